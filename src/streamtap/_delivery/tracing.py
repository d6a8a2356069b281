"""Tracing, as the runs see it: which span each record belongs to, and a guard between the two.

The base classes make no spans. They are used without an `OTelSpanSink`, and only read the ids of spans that exist anyway,
for exemplars.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from opentelemetry import trace

from streamtap._delivery.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.trace import Span

    from streamtap._delivery.guard import Failures
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart

    Record = TypeVar('Record', RunRecord, ResponseRecord, ToolRecord)

WHERE = 'spans'


@dataclass(frozen=True, slots=True)
class Ids:
    """The hexadecimal ids of a sampled span, which can be found again."""

    trace_id: str
    span_id: str


def ids_of(span: Span) -> Ids | None:
    """The ids of a span; `None` for one that is invalid or not sampled."""
    context = span.get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return None
    return Ids(trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id))


def with_ids(record: Record, ids: Ids | None) -> Record:
    """The record with the ids of its span, if it has one."""
    return record if ids is None else dataclasses.replace(record, trace_id=ids.trace_id, span_id=ids.span_id)


class ToolTrace:
    """The span around one execution of a tool; a context manager around the tool's own code."""

    def __init__(self) -> None:
        self.ids: Ids | None = None

    def __enter__(self) -> ToolTrace:
        self.ids = ids_of(trace.get_current_span())
        return self

    def __exit__(self, *_: object) -> None:
        return None


class RunTrace:
    """The spans of one run: in this base class none of ours, so records get the ids of the spans that they are in."""

    adds_to_requests = False
    """Whether measurements are to be added to pydantic-ai's own span of a request, before it ends."""

    def __init__(self) -> None:
        outer = trace.get_current_span()
        self.outer_id = outer.get_span_context().span_id
        """The id of the span in which the run began."""
        self.ids = ids_of(outer)
        self._chat: Span | None = None

    def current(self) -> contextlib.AbstractContextManager[object]:
        """Makes the run's span current for the code of the user inside the run."""
        return contextlib.nullcontext()

    def request_seen(self) -> None:
        """Remember pydantic-ai's own span of the request, if there is one; called where it is current."""
        current = trace.get_current_span()
        self._chat = None if current.get_span_context().span_id == self.outer_id else current

    def request_over(self, record: ResponseRecord) -> None:
        """The request is over: the last chance to add attributes to pydantic-ai's own span of it."""

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """The record with the ids of its request's span."""
        chat = None if self._chat is None else ids_of(self._chat)
        return with_ids(record, chat or self.ids)

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace:
        """The span around a tool whose execution is seen."""
        return ToolTrace()

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """The record with the ids of its span.

        Args:
            record: The call's record.
            seen: The span around its execution, if that was seen.
            ended_ns: When its execution ended; known also for an interrupted call, which has no duration.
        """
        return with_ids(record, (seen.ids if seen is not None else None) or self.ids)

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """The record with the ids of the run's span.

        Args:
            record: The run's record.
            ended_ns: When it ended; if the record has no duration, until when it was seen.
        """
        return with_ids(record, self.ids)


class Tracing:
    """Opens the traces of runs."""

    def open(self, start: RunStart, *, instrumented: bool, parent: RunTrace | None) -> RunTrace:
        """Begin the trace of a run.

        Args:
            start: The run's start.
            instrumented: Whether pydantic-ai makes spans of its own for this run.
            parent: The trace of the run that called it.
        """
        return RunTrace()


class GuardedTrace:
    """A run's trace whose failures are counted and otherwise ignored.

    Args:
        inner: The trace.
        out: Counts its failures.
    """

    def __init__(self, inner: RunTrace, out: Failures) -> None:
        self.inner = inner
        self._guard = guarded(out, WHERE)
        self.adds_to_requests = inner.adds_to_requests

    @contextlib.contextmanager
    def inside(self, span: contextlib.AbstractContextManager[object] | None) -> Generator[None]:
        """Run a block of the user's code inside a span; without the span if it cannot be entered."""
        entered: contextlib.AbstractContextManager[object] | None = None
        with self._guard:
            if span is not None:
                span.__enter__()
                entered = span
        try:
            yield
        finally:
            with self._guard:
                if entered is not None:
                    # An exception is not passed to the span: its message may be content.
                    entered.__exit__(None, None, None)

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A context in which the run's span is current."""
        span: contextlib.AbstractContextManager[object] | None = None
        with self._guard:
            span = self.inner.current()
        return self.inside(span)

    def request_seen(self) -> None:
        """See `RunTrace.request_seen`."""
        with self._guard:
            self.inner.request_seen()

    def request_over(self, record: ResponseRecord) -> None:
        """See `RunTrace.request_over`."""
        with self._guard:
            self.inner.request_over(record)

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """See `RunTrace.responded`."""
        with self._guard:
            return self.inner.responded(record)
        return record

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace | None:
        """See `RunTrace.tool`."""
        with self._guard:
            return self.inner.tool(tool, tool_call_id, started_ns)
        return None

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """See `RunTrace.tool_ended`."""
        with self._guard:
            return self.inner.tool_ended(record, seen, ended_ns)
        return record

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """See `RunTrace.ended`."""
        with self._guard:
            return self.inner.ended(record, ended_ns)
        return record
