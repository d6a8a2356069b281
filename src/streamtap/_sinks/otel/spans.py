"""Spans through the OpenTelemetry API: the whole tree, or only what pydantic-ai's own instrumentation leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider

from streamtap._delivery.sink import BaseSink
from streamtap._delivery.tracing import RunTrace, ToolTrace, Tracing, ids_of, with_ids
from streamtap._records.failed import has_failed
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel import span_facts as facts
from streamtap._sinks.otel.conventions.profiles import Semconv, profile_named
from streamtap._sinks.otel.conventions.providers import standard_provider
from streamtap._sinks.otel.current_span import CurrentSpan
from streamtap._sinks.otel.error_types import error_type_of
from streamtap._sinks.otel.traced_runs import Claim, claim
from streamtap._version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart
    from streamtap._sinks.otel.conventions.tables import Profile

    Attributes = dict[str, AttributeValue]


class OTelSpanSink(BaseSink, Tracing):
    """Makes a trace of each run: spans `invoke_agent`, `chat` and `execute_tool`, and one for each part of a response.

    For a run that pydantic-ai instruments itself, no span is made twice: what is missing is added to pydantic-ai's
    `chat` spans, with the spans of parts and of the provider's own tools as their children.

    Two taps on one provider make the spans of a run that both measure once.

    Names and attributes are those of OpenTelemetry's conventions for generative AI. It leaves pydantic-ai's own spans with
    the names that they have.

    Args:
        tracer_provider: The provider to make spans with; OpenTelemetry's global one if `None`, so that
            `logfire.configure()` is all that Logfire needs.
        parts: Whether text, thinking and tool call parts get spans; leave them out if you pay per span. Default `True`.
        semconv: Which version of the conventions: `'1.41'`, the last one with a number, or `'latest'`. Default `'1.41'`.

    Raises:
        TypeError: If `tracer_provider` is not a `TracerProvider`.
        ValueError: If `semconv` is neither of the two.
    """

    inline: ClassVar[bool] = True

    def __init__(
        self, tracer_provider: TracerProvider | None = None, *, parts: bool = True, semconv: Semconv = '1.41'
    ) -> None:
        if tracer_provider is not None and not isinstance(tracer_provider, TracerProvider):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'tracer_provider must be an OpenTelemetry TracerProvider, not {tracer_provider!r}')
        self._provider = tracer_provider
        self._tracer = trace.get_tracer('streamtap', __version__, tracer_provider)
        self._parts = parts
        self._profile = profile_named(semconv)

    def open(self, start: RunStart, *, instrumented: bool, parent: RunTrace | None) -> RunTrace:
        """Begin the trace of a run; called by the doors."""
        claimed = claim(self._provider or trace.get_tracer_provider(), start.run_id)
        if claimed is None:
            return RunTrace()
        if instrumented:
            return AddedTrace(self._tracer, claimed, parts=self._parts)
        return OwnTrace(self._tracer, start, parent, claimed, self._profile, parts=self._parts)


class AddedTrace(RunTrace):
    """Adds to pydantic-ai's own spans.

    Args:
        tracer: Makes the part spans.
        claimed: That no other tap makes spans of the run.
        parts: Whether parts get spans.
    """

    adds_to_requests = True

    def __init__(self, tracer: Tracer, claimed: Claim, *, parts: bool) -> None:
        super().__init__()
        self._tracer = tracer
        self._claimed: Claim | None = claimed
        self._parts = parts

    def request_over(self, record: ResponseRecord) -> None:
        """Add what was measured to the `chat` span, which ends right after this call."""
        chat = self._chat
        if chat is None or not chat.is_recording():
            return
        chat.set_attributes(facts.measured(record))
        facts.fill(self._tracer, chat, record, parts=self._parts)

    def tool(self, tool: str, tool_call_id: str, started_ns: int) -> ToolTrace:
        """pydantic-ai's own span of the tool, which is current while the tool runs."""
        return AddedToolTrace()

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """Make the span of a tool that the provider ran: pydantic-ai only has spans of tools that it runs itself.

        To its span of a tool that an MCP server ran, add which server that is.
        """
        if isinstance(seen, AddedToolTrace) and record.mcp is not None:
            seen.add(facts.of_mcp(record))
        if record.kind != 'native' or record.duration is None or self._chat is None:
            return super().tool_ended(record, seen, ended_ns)
        span = _executed(self._tracer, self._chat, record)
        facts.end_tool(span, record, ended_ns)
        return with_ids(record, ids_of(span))

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """The spans are pydantic-ai's own, which ends them."""
        self._claimed = None
        return super().ended(record, ended_ns)


class OwnTrace(RunTrace):
    """The whole tree of spans, where pydantic-ai makes none.

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
        self._asked = {names.PROVIDER: _Only(), names.REQUEST_MODEL: _Only()}
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

    def current(self) -> AbstractContextManager[object]:
        """Makes the run's span current."""
        return CurrentSpan(self.span)

    def request_seen(self) -> None:
        """Nothing to do: pydantic-ai has no span here."""

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """Make the request's span, with those of its parts as children."""
        if self._is_over:
            return with_ids(record, self.ids)
        self._asked[names.PROVIDER].add(standard_provider(record.provider))
        self._asked[names.REQUEST_MODEL].add(record.model)
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
        if self._is_over:
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
        if isinstance(seen, OwnToolTrace):
            span = seen.span
        elif (record.duration is None and ended_ns is None) or self._is_over:
            return with_ids(record, self.ids)
        else:
            parent = self._chat_of_step if record.kind == 'native' and self._chat_of_step is not None else self.span
            span = _executed(self._tracer, parent, record)
        facts.end_tool(span, record, ended_ns)
        return with_ids(record, ids_of(span))

    def ended(self, record: RunRecord, ended_ns: int) -> RunRecord:
        """End the run's span: where it is not known when the run ended, when it was last seen."""
        self._claimed = None
        self._is_over = True
        self.span.set_attribute(names.OUTCOME, record.outcome)
        if record.reader is not None:
            self.span.set_attributes(facts.read(record.reader))
        for name, only in self._asked.items():
            if only.value and name in self._profile.span('run'):
                self.span.set_attribute(name, only.value)
        error_type = error_type_of(record)
        if error_type is not None:
            self.span.set_attribute(names.ERROR_TYPE, error_type)
        if record.unmeasured_responses:
            self.span.set_attribute(names.UNMEASURED_RESPONSES, record.unmeasured_responses)
        if has_failed(record):
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end(ended_ns)
        return with_ids(record, self.ids)


class _Only:
    """The one value that all requests of a run have; `None` if they have several."""

    def __init__(self) -> None:
        self.value: str | None = None
        self._is_first = True

    def add(self, value: str) -> None:
        """Add that of another request."""
        self.value = value if self._is_first or value == self.value else None
        self._is_first = False


class AddedToolTrace(ToolTrace):
    """pydantic-ai's own span of a tool, to which facts are added while the tool runs."""

    def __init__(self) -> None:
        super().__init__()
        self._span: Span | None = None

    def __enter__(self) -> AddedToolTrace:
        super().__enter__()
        current = trace.get_current_span()
        # Another capability may have made a span of its own current.
        if str(getattr(current, 'name', '')).startswith(names.EXECUTE_TOOL):
            self._span = current
        return self

    def add(self, attributes: Attributes) -> None:
        """Add facts to the span."""
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(attributes)


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


def _executed(tracer: Tracer, parent: Span, record: ToolRecord) -> Span:
    """Start the span of a tool whose execution was only seen from outside."""
    return tracer.start_span(
        f'{names.EXECUTE_TOOL} {record.tool}',
        context=trace.set_span_in_context(parent),
        attributes=facts.called(record.agent, record.tool, record.tool_call_id),
        start_time=record.started_ns,
    )
