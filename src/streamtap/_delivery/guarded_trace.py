"""A guard between a run and its trace: what OpenTelemetry or a span processor raises never reaches the run."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from streamtap._delivery.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Generator

    from streamtap._delivery.dispatch import Dispatch
    from streamtap._delivery.tracing import RunTrace, ToolTrace
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

WHERE = 'spans'


class GuardedTrace:
    """A run's trace whose failures are counted and otherwise ignored.

    Args:
        inner: The trace.
        out: Counts its failures.
    """

    def __init__(self, inner: RunTrace, out: Dispatch) -> None:
        self.inner = inner
        self._out = out
        self.adds_to_requests = inner.adds_to_requests

    @contextlib.contextmanager
    def inside(self, span: contextlib.AbstractContextManager[object] | None) -> Generator[None]:
        """Run a block of the user's code inside a span; without the span if it cannot be entered."""
        entered: contextlib.AbstractContextManager[object] | None = None
        with guarded(self._out, WHERE):
            if span is not None:
                span.__enter__()
                entered = span
        try:
            yield
        finally:
            with guarded(self._out, WHERE):
                if entered is not None:
                    # An exception is not passed to the span: its message may be content.
                    entered.__exit__(None, None, None)

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A context in which the run's span is current."""
        span: contextlib.AbstractContextManager[object] | None = None
        with guarded(self._out, WHERE):
            span = self.inner.current()
        return self.inside(span)

    def request_seen(self) -> None:
        """See `RunTrace.request_seen`."""
        with guarded(self._out, WHERE):
            self.inner.request_seen()

    def request_over(self, record: ResponseRecord) -> None:
        """See `RunTrace.request_over`."""
        with guarded(self._out, WHERE):
            self.inner.request_over(record)

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """See `RunTrace.responded`."""
        with guarded(self._out, WHERE):
            return self.inner.responded(record)
        return record

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace | None:
        """See `RunTrace.tool`."""
        with guarded(self._out, WHERE):
            return self.inner.tool(tool, tool_call_id, started_ns)
        return None

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """See `RunTrace.tool_ended`."""
        with guarded(self._out, WHERE):
            return self.inner.tool_ended(record, seen, ended_ns)
        return record

    def ended(self, record: RunRecord) -> RunRecord:
        """See `RunTrace.ended`."""
        with guarded(self._out, WHERE):
            return self.inner.ended(record)
        return record
