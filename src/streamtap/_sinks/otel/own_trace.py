"""The whole tree of a run's spans, where pydantic-ai makes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from streamtap._delivery.tracing import RunTrace, ToolTrace, ids_of, with_ids
from streamtap._records.failed import has_failed
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel import span_facts as facts
from streamtap._sinks.otel.current_span import CurrentSpan

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart
    from streamtap._sinks.otel.conventions.tables import Profile
    from streamtap._sinks.otel.traced_runs import Claim

    Attributes = dict[str, AttributeValue]

SEVERAL = 2
"""How many models of a run are told apart: one is the run's, and of several none is."""


class OwnTrace(RunTrace):
    """The whole tree of spans, where pydantic-ai makes none; of a run whose span is not sampled, only that one.

    Args:
        tracer: Makes the spans.
        start: The run's start.
        parent: The trace of the run that called it.
        claimed: That no other tap makes spans of the run.
        profile: The version of the conventions.
        parts: Whether parts get spans.
    """

    def __init__(
        self, tracer: Tracer, start: RunStart, parent: RunTrace | None, claimed: Claim, profile: Profile, *, parts: bool
    ) -> None:
        super().__init__()
        self._tracer = tracer
        self._profile = profile
        self._models: set[str] = set()
        self._claimed: Claim | None = claimed
        self._parts = parts
        self._agent = start.agent
        self._chat_of_step: Span | None = None
        self._is_over = False
        outer = trace.get_current_span()
        if isinstance(parent, OwnTrace) and self.outer_id == parent.outer_id:
            # The run was called from a tool whose span the handler door could not make current.
            outer = parent.span
        attributes: Attributes = {
            names.OPERATION: names.INVOKE_AGENT,
            names.AGENT_NAME: start.agent,
            names.RUN_ID: start.run_id,
            names.MESSAGE: f'{start.agent} run',
            **facts.labels(start.labels),
        }
        if start.conversation_id is not None:
            attributes[names.CONVERSATION_ID] = start.conversation_id
        self.span = tracer.start_span(
            f'{names.INVOKE_AGENT} {start.agent}',
            context=trace.set_span_in_context(outer),
            attributes=attributes,
            start_time=start.started_ns,
        )
        self.ids = ids_of(self.span)
        # A sampler that refused the run is not asked again for each request and tool, whose spans would be made only to
        # be thrown away. The same goes for a process without any tracing.
        self._is_recording = self.span.is_recording()

    def current(self) -> AbstractContextManager[object]:
        """Makes the run's span current."""
        return CurrentSpan(self.span)

    def request_seen(self) -> None:
        """Nothing to do: pydantic-ai has no span here."""

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """Make the request's span, with those of its parts as children."""
        if self._is_over or not self._is_recording:
            return with_ids(record, self.ids)
        if len(self._models) < SEVERAL:
            self._models.add(record.model)
        chat = self._tracer.start_span(
            f'{names.CHAT} {record.model}',
            context=trace.set_span_in_context(self.span),
            kind=SpanKind.CLIENT,
            attributes={**facts.asked(record, self._profile), **facts.measured(record)},
            start_time=record.started_ns,
        )
        if chat.is_recording():
            facts.fill(self._tracer, chat, record, parts=self._parts)
        chat.end(facts.end_of(record))
        self._chat_of_step = chat
        return with_ids(record, ids_of(chat))

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace:
        """A span around the execution of a tool, current while the user's code runs."""
        if self._is_over or not self._is_recording:
            return ToolTrace()
        return OwnToolTrace(
            self._tracer.start_span(
                f'{names.EXECUTE_TOOL} {tool}',
                context=trace.set_span_in_context(self.span),
                attributes=facts.called(self._agent, tool, tool_call_id),
                start_time=started_ns,
            )
        )

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """End the tool's span, or make it now if it has none yet; a call that was never executed gets none."""
        if not self._is_recording:
            return with_ids(record, self.ids)
        if isinstance(seen, OwnToolTrace):
            span = seen.span
        elif (record.duration is None and ended_ns is None) or self._is_over:
            return with_ids(record, self.ids)
        else:
            parent = self._chat_of_step if record.kind == 'native' and self._chat_of_step is not None else self.span
            span = facts.executed(self._tracer, parent, record)
        facts.end_tool(span, record, ended_ns)
        return with_ids(record, ids_of(span))

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """End the run's span: where it is not known when the run ended, when it was last seen."""
        self._claimed = None
        self._is_over = True
        if self._is_recording:
            self._fill(record)
        self.span.end(ended_ns)
        return with_ids(record, self.ids)

    def _fill(self, record: RunRecord) -> None:
        """Add to the run's span how the run ended."""
        self.span.set_attribute(names.OUTCOME, record.outcome)
        if record.reader is not None:
            self.span.set_attributes(facts.read(record.reader))
        if len(self._models) == 1 and names.REQUEST_MODEL in self._profile.span('run'):
            self.span.set_attribute(names.REQUEST_MODEL, next(iter(self._models)))
        self.span.set_attributes({**facts.judged(record), **facts.failed(record)})
        if record.unmeasured_responses:
            self.span.set_attribute(names.UNMEASURED_RESPONSES, record.unmeasured_responses)
        if has_failed(record):
            self.span.set_status(Status(StatusCode.ERROR))


class OwnToolTrace(ToolTrace):
    """The span of a tool, current while it executes; `OwnTrace.tool_ended` ends it."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self._current = CurrentSpan(span)

    def __enter__(self) -> OwnToolTrace:
        self._current.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._current.__exit__(None, None, None)
