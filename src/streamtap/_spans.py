"""Spans by the OpenTelemetry API: the whole tree, or only what pydantic-ai's own instrumentation leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from streamtap import _semconv as names
from streamtap._current_span import CurrentSpan
from streamtap._sinks import BaseSink
from streamtap._tracing import RunTrace, ToolTrace, Tracing, ids_of, with_ids
from streamtap._version import __version__

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, Tracer, TracerProvider
    from opentelemetry.util.types import AttributeValue

    from streamtap._records import ResponseRecord, RunRecord, RunStart, ToolRecord

    Attributes = dict[str, AttributeValue]


class SpanSink(BaseSink, Tracing):
    """Makes a trace of each run: `invoke_agent`, `chat`, `execute_tool`, and a span for each part of a response.

    For a run that pydantic-ai instruments itself, it makes none of those twice: it adds what is missing to the `chat`
    spans that are there, and the part spans as their children.

    Args:
        tracer_provider: Whose spans; OpenTelemetry's global provider if `None`, so that `logfire.configure()` is
            all that Logfire needs.
        parts: Whether parts get spans; leave them out if you pay per span. Default `True`.
    """

    inline: ClassVar[bool] = True

    def __init__(self, tracer_provider: TracerProvider | None = None, *, parts: bool = True) -> None:
        self._tracer = trace.get_tracer('streamtap', __version__, tracer_provider)
        self._parts = parts

    def open(self, start: RunStart, *, instrumented: bool, parent: RunTrace | None) -> RunTrace:
        """The trace of a run, for the doors."""
        if instrumented:
            return AddedTrace(self._tracer, parts=self._parts)
        return OwnTrace(self._tracer, start, parent, parts=self._parts)


class AddedTrace(RunTrace):
    """What is added to pydantic-ai's own spans.

    Args:
        tracer: Makes the part spans.
        parts: Whether parts get spans.
    """

    adds_to_requests = True

    def __init__(self, tracer: Tracer, *, parts: bool) -> None:
        super().__init__()
        self._tracer = tracer
        self._parts = parts

    def request_over(self, record: ResponseRecord) -> None:
        """Add what was measured to the `chat` span, which ends when this moment is over."""
        chat = self._chat
        if chat is None or not chat.is_recording():
            return
        chat.set_attributes(_measured(record))
        _add_events(chat, record)
        _add_status(chat, record)
        if self._parts:
            _add_parts(self._tracer, chat, record)


class OwnTrace(RunTrace):
    """The whole tree, where pydantic-ai makes no spans.

    Args:
        tracer: Makes the spans.
        start: Whose run it is.
        parent: The trace of the run that called it.
        parts: Whether parts get spans.
    """

    def __init__(self, tracer: Tracer, start: RunStart, parent: RunTrace | None, *, parts: bool) -> None:
        super().__init__()
        self._tracer = tracer
        self._parts = parts
        self._agent = start.agent
        self._chat_of_step: Span | None = None
        self._is_over = False
        around = trace.get_current_span()
        if isinstance(parent, OwnTrace) and self.around_id == parent.around_id:
            # Called from a tool for which the handler door could make no span current.
            around = parent.span
        attributes: Attributes = {
            names.OPERATION: names.INVOKE_AGENT,
            names.AGENT_NAME: start.agent,
            names.RUN_ID: start.run_id,
            names.MESSAGE: f'{start.agent} run',
            **{f'{names.LABEL}{name}': value for name, value in start.labels.items()},
        }
        if start.conversation_id is not None:
            attributes[names.CONVERSATION_ID] = start.conversation_id
        self.span = tracer.start_span(
            f'{names.INVOKE_AGENT} {start.agent}',
            context=trace.set_span_in_context(around),
            attributes=attributes,
            start_time=start.started_ns,
        )
        self.ids = ids_of(self.span)

    def current(self) -> AbstractContextManager[object]:
        """Makes the run's span current."""
        return CurrentSpan(self.span)

    def request_seen(self) -> None:
        """No span of pydantic-ai's is there to be seen."""

    def responded(self, record: ResponseRecord) -> ResponseRecord:
        """Make the request's span, with its parts inside."""
        if self._is_over:
            return with_ids(record, self.ids)
        chat = self._tracer.start_span(
            f'{names.CHAT} {record.model}',
            context=trace.set_span_in_context(self.span),
            kind=SpanKind.CLIENT,
            attributes={**_asked(record), **_measured(record)},
            start_time=record.started_ns,
        )
        _add_events(chat, record)
        _add_status(chat, record)
        if self._parts:
            _add_parts(self._tracer, chat, record)
        chat.end(_end_of(record))
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
                attributes=_called(self._agent, tool, tool_call_id),
                start_time=started_ns,
            )
        )

    def tool_ended(self, record: ToolRecord, seen: ToolTrace | None, ended_ns: int | None) -> ToolRecord:
        """End the tool's span, or make it now; a call that was never executed has none."""
        if isinstance(seen, OwnToolTrace):
            span = seen.span
        elif (record.duration is None and ended_ns is None) or self._is_over:
            return with_ids(record, self.ids)
        else:
            parent = self._chat_of_step if record.kind == 'native' and self._chat_of_step is not None else self.span
            span = self._tracer.start_span(
                f'{names.EXECUTE_TOOL} {record.tool}',
                context=trace.set_span_in_context(parent),
                attributes=_called(record.agent, record.tool, record.tool_call_id),
                start_time=record.started_ns,
            )
        span.set_attribute(names.OUTCOME, record.outcome)
        span.set_attribute(names.TOOL_TYPE, 'extension' if record.kind == 'native' else 'function')
        if record.retry_cause is not None:
            span.set_attribute(names.RETRY_CAUSE, record.retry_cause)
        if record.error_type is not None:
            span.set_attribute(names.ERROR_TYPE, record.error_type)
            span.set_status(Status(StatusCode.ERROR))
        if record.duration is not None:
            ended_ns = record.started_ns + round(record.duration * 1e9)
        span.end(ended_ns)
        return with_ids(record, ids_of(span))

    def ended(self, record: RunRecord) -> RunRecord:
        """End the run's span."""
        self._is_over = True
        self.span.set_attribute(names.OUTCOME, record.outcome)
        if record.error_type is not None:
            self.span.set_attribute(names.ERROR_TYPE, record.error_type)
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end(record.started_ns + round(record.duration * 1e9))
        return with_ids(record, self.ids)


class OwnToolTrace(ToolTrace):
    """The span of a tool, current while it executes; the record ends it."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span
        self._current = CurrentSpan(span)

    def __enter__(self) -> OwnToolTrace:
        self._current.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._current.__exit__(None, None, None)


def _called(agent: str, tool: str, tool_call_id: str) -> Attributes:
    return {
        names.OPERATION: names.EXECUTE_TOOL,
        names.AGENT_NAME: agent,
        names.TOOL_NAME: tool,
        names.TOOL_CALL_ID: tool_call_id,
        names.MESSAGE: f'{names.EXECUTE_TOOL} {tool}',
    }


def _asked(record: ResponseRecord) -> Attributes:
    found: dict[str, AttributeValue | None] = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: record.provider,
        names.REQUEST_MODEL: record.model,
        names.RESPONSE_MODEL: record.response_model,
        names.AGENT_NAME: record.agent,
        names.CONVERSATION_ID: record.conversation_id,
        names.MESSAGE: f'{names.CHAT} {record.model}',
        names.FINISH_REASONS: [record.finish_reason] if record.finish_reason else None,
        names.OUTCOME: record.outcome,
        names.USAGE_INPUT: record.input_tokens,
        names.USAGE_OUTPUT: record.output_tokens,
        names.USAGE_CACHE_READ: record.cache_read_tokens or None,
        names.USAGE_CACHE_WRITE: record.cache_write_tokens or None,
        names.COST: record.cost_usd,
    }
    return _known(found)


def _measured(record: ResponseRecord) -> Attributes:
    streamed = record.chunks > 0
    found: dict[str, AttributeValue | None] = {
        names.TIME_TO_FIRST_CHUNK: record.time_to_first_token,
        names.TIME_TO_FIRST_OUTPUT: record.time_to_first_output,
        names.TOKENS_PER_SECOND: record.output_tokens_per_second,
        names.CHUNKS: record.chunks if streamed else None,
        names.STALLS: record.stalls if streamed else None,
        names.STALL_TIME: record.stall_seconds if streamed else None,
        names.MAX_INTER_CHUNK_LATENCY: record.gap_max,
        names.ERROR_TYPE: record.error_type,
    }
    return _known(found)


def _known(found: dict[str, AttributeValue | None]) -> Attributes:
    return {name: value for name, value in found.items() if value is not None}


def _add_events(chat: Span, record: ResponseRecord) -> None:
    if record.time_to_first_token is not None:
        chat.add_event(names.EVENT_FIRST_TOKEN, timestamp=record.started_ns + round(record.time_to_first_token * 1e9))
    for start in record.stall_starts:
        chat.add_event(names.EVENT_STALL, timestamp=record.started_ns + round(start * 1e9))


def _add_status(chat: Span, record: ResponseRecord) -> None:
    # pydantic-ai takes a stream that fails for a cancel, and leaves its own span without a status.
    if record.outcome == 'error':
        chat.set_status(Status(StatusCode.ERROR))


def _add_parts(tracer: Tracer, chat: Span, record: ResponseRecord) -> None:
    for part in record.parts:
        name = names.PART_NAMES.get(part.kind)
        if name is None or part.start is None:
            continue
        attributes: Attributes = {names.PART_KIND: part.kind, names.CHUNKS: part.chunks, names.MESSAGE: name}
        if part.tool is not None:
            attributes[names.TOOL_NAME] = part.tool
            attributes[names.MESSAGE] = f'{name} {part.tool}'
        if part.tool_call_id is not None:
            attributes[names.TOOL_CALL_ID] = part.tool_call_id
        started = record.started_ns + round(part.start * 1e9)
        span = tracer.start_span(
            name, context=trace.set_span_in_context(chat), attributes=attributes, start_time=started
        )
        span.end(started + round(part.duration * 1e9))


def _end_of(record: ResponseRecord) -> int:
    """When the last event came: the record's duration leaves the consumer's time out, a span does not."""
    seconds = (record.duration or 0.0) + record.consumer_seconds
    last_part = max((part.start + part.duration for part in record.parts if part.start is not None), default=0.0)
    return record.started_ns + round(max(seconds, last_part) * 1e9)
