"""What is in the spans: a record's facts as attributes, events, status and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from streamtap._base.clock import after
from streamtap._records.failed import has_failed
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel.conventions.providers import standard_provider
from streamtap._sinks.otel.error_types import error_type_of
from streamtap._sinks.otel.mcp_facts import called_by_mcp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span, Tracer
    from opentelemetry.util.types import AttributeValue

    from streamtap._records.records import ReaderRecord, ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.otel.conventions.tables import Profile

    Attributes = dict[str, AttributeValue]


def called(agent: str, tool: str, tool_call_id: str) -> Attributes:
    """The attributes of a tool's span that are known when the call begins."""
    return {
        names.OPERATION: names.EXECUTE_TOOL,
        names.AGENT_NAME: agent,
        names.TOOL_NAME: tool,
        names.TOOL_CALL_ID: tool_call_id,
        names.MESSAGE: f'{names.EXECUTE_TOOL} {tool}',
    }


def executed(tracer: Tracer, parent: Span, record: ToolRecord) -> Span:
    """Start the span of a tool whose execution was only seen from outside."""
    return tracer.start_span(
        f'{names.EXECUTE_TOOL} {record.tool}',
        context=trace.set_span_in_context(parent),
        attributes=called(record.agent, record.tool, record.tool_call_id),
        start_time=record.started_ns,
    )


def asked(record: ResponseRecord, profile: Profile) -> Attributes:
    """The attributes of a `chat` span that pydantic-ai's own span would also have."""
    finish_reason = 'error' if record.finish_reason == 'cancelled' and profile.ends_as_error else record.finish_reason
    found: dict[str, AttributeValue | None] = {
        names.OPERATION: names.CHAT,
        names.PROVIDER: standard_provider(record.provider),
        names.REQUEST_MODEL: record.model,
        names.REQUEST_STREAM: record.streamed or None,
        names.RESPONSE_MODEL: record.response_model,
        names.RESPONSE_ID: record.response_id,
        names.SERVER_ADDRESS: record.server_address,
        names.SERVER_PORT: record.server_port,
        names.AGENT_NAME: record.agent,
        names.CONVERSATION_ID: record.conversation_id,
        names.MESSAGE: f'{names.CHAT} {record.model}',
        names.FINISH_REASONS: None if finish_reason in (None, 'unknown') else [finish_reason],
        names.TIME_TO_FIRST_CHUNK_OF_LOGFIRE: record.time_to_first_token,
        names.OUTCOME: record.outcome,
        names.USAGE_INPUT: record.input_tokens,
        names.USAGE_OUTPUT: record.output_tokens,
        names.USAGE_CACHE_READ: record.cache_read_tokens or None,
        profile.cache_write: record.cache_write_tokens or None,
        names.USAGE_REASONING: record.reasoning_tokens or None,
        names.COST: record.cost_usd,
        names.COST_SOURCE: record.cost_source,
    }
    return {**_known(found), **_settings(record.request_settings, profile)}


def _settings(settings: Mapping[str, int | float], profile: Profile) -> Attributes:
    """What the request asked for, each of the type that the conventions give it."""
    types: dict[str, type[int] | type[float]] = {'max_tokens': int, 'seed': int, 'top_k': profile.top_k}
    return {f'{names.REQUEST}{name}': types.get(name, float)(value) for name, value in settings.items()}


def measured(record: ResponseRecord) -> Attributes:
    """The measurements of a request, for its `chat` span, ours or pydantic-ai's."""
    streamed = record.chunks > 0
    found: dict[str, AttributeValue | None] = {
        names.TIME_TO_FIRST_CHUNK: record.time_to_first_token,
        names.TIME_TO_FIRST_OUTPUT: record.time_to_first_output,
        names.TOKENS_PER_SECOND: record.output_tokens_per_second,
        names.CHUNKS: record.chunks if streamed else None,
        names.STALLS: record.stalls if streamed else None,
        names.STALL_TIME: record.stall_seconds if streamed else None,
        names.MAX_INTER_CHUNK_LATENCY: record.max_inter_chunk_latency,
        names.USAGE_COMPLETE: record.usage_complete or None,
        names.UNMEASURED: record.unmeasured,
        names.CONTEXT_USED: record.context_used,
        names.CACHE_MISSED_TOKENS: record.cache_missed_tokens or None,
        names.CACHE_MISS_REASON: record.cache_miss_reason,
        names.STOP_TIME: record.stop_seconds,
        names.CHUNKS_AFTER_STOP: record.chunks_after_stop,
        names.ERROR_TYPE: error_type_of(record),
    }
    timing = {
        names.PROVIDER_TIMING[name]: each
        for name, each in record.provider_timing.items()
        if name in names.PROVIDER_TIMING
    }
    return {**_known(found), **timing, **labels(record.labels)}


def read(reader: ReaderRecord) -> Attributes:
    """What the reader of a run's output got, for the run's span."""
    return _known(
        {
            names.READER_ITEMS: reader.items,
            names.READER_TIME_TO_FIRST_ITEM: reader.time_to_first_item,
            names.READER_FIRST_ITEM_DELAY: reader.first_item_delay,
            names.READER_FAILED_PARTIALS: reader.failed_partials,
        }
    )


def judged(record: RunRecord) -> Attributes:
    """How a run did: its objective, its loops, and which attempt at a question it was."""
    return _known(
        {
            names.OBJECTIVE_MET: record.objective_met,
            names.OBJECTIVE_MISSED: list(record.objective_missed) or None,
            names.LOOP_CALLS: record.loops.calls or None,
            names.QUESTION_ID: record.question_id,
            names.ATTEMPT: record.attempt,
        }
    )


def repeated(record: ToolRecord) -> Attributes:
    """Whether a call repeats others; nothing of one that does not."""
    return {names.REPEATED: True} if record.repeated else {}


def labels(own: Mapping[str, str]) -> Attributes:
    """The user's own dimensions as attributes."""
    return {f'{names.LABEL}{name}': value for name, value in own.items()}


def _known(found: dict[str, AttributeValue | None]) -> Attributes:
    return {name: value for name, value in found.items() if value is not None}


def end_tool(span: Span, record: ToolRecord, ended_ns: int | None) -> None:
    """Add to a tool's span how the call ended, and end it.

    Args:
        span: The span.
        record: The call's record.
        ended_ns: When its execution ended, where the record has no duration because it was interrupted.
    """
    span.set_attribute(names.OUTCOME, record.outcome)
    span.set_attribute(names.TOOL_TYPE, names.TOOL_TYPES[record.kind])
    span.set_attributes({**labels(record.labels), **of_mcp(record), **repeated(record), **failed(record)})
    if record.conversation_id is not None:
        span.set_attribute(names.CONVERSATION_ID, record.conversation_id)
    if record.retry_cause is not None:
        span.set_attribute(names.RETRY_CAUSE, record.retry_cause)
    if has_failed(record):
        span.set_status(Status(StatusCode.ERROR))
    if record.duration is not None:
        ended_ns = after(record.started_ns, record.duration)
    span.end(ended_ns)


def failed(record: RunRecord | ToolRecord) -> Attributes:
    """Why a run or a tool failed; nothing of one that did not."""
    error_type = error_type_of(record)
    return {} if error_type is None else {names.ERROR_TYPE: error_type}


def of_mcp(record: ToolRecord) -> Attributes:
    """The attributes of a tool that an MCP server runs; none for any other."""
    if record.mcp is None:
        return {}
    server = {} if record.mcp.server is None else {names.MCP_SERVER: record.mcp.server}
    return {**called_by_mcp(record.mcp), **server}


def fill(tracer: Tracer, chat: Span, record: ResponseRecord, *, parts: bool) -> None:
    """Add to a `chat` span, ours or pydantic-ai's, what it gets besides attributes: events, part spans and status."""
    _add_events(chat, record)
    if parts:
        _add_parts(tracer, chat, record)
    if has_failed(record):
        # pydantic-ai treats a stream that breaks like one that is abandoned, and leaves the status of its span unset.
        chat.set_status(Status(StatusCode.ERROR))


def _add_events(chat: Span, record: ResponseRecord) -> None:
    if record.time_to_first_token is not None:
        chat.add_event(names.EVENT_FIRST_TOKEN, timestamp=after(record.started_ns, record.time_to_first_token))
    for start in record.stall_starts:
        chat.add_event(names.EVENT_STALL, timestamp=after(record.started_ns, start))


def _add_parts(tracer: Tracer, chat: Span, record: ResponseRecord) -> None:
    for part in record.parts:
        name = names.PART_NAMES.get(part.kind)
        if name is None or part.start is None or part.duration is None:
            continue
        attributes: Attributes = {names.PART_KIND: part.kind, names.CHUNKS: part.chunks, names.MESSAGE: name}
        # Not under the attribute names of a tool's execution: backends would take the span for one.
        if part.tool is not None:
            attributes[names.PART_TOOL] = part.tool
            attributes[names.MESSAGE] = f'{name} {part.tool}'
        if part.tool_call_id is not None:
            attributes[names.PART_TOOL_CALL_ID] = part.tool_call_id
        started = after(record.started_ns, part.start)
        span = tracer.start_span(
            name, context=trace.set_span_in_context(chat), attributes=attributes, start_time=started
        )
        span.end(after(started, part.duration))


def end_of(record: ResponseRecord) -> int:
    """When the last event arrived: unlike the record's duration, a span includes the consumer's time."""
    seconds = (record.duration or 0.0) + record.consumer_seconds
    parts = ((part.start, part.duration or 0.0) for part in record.parts)
    last_part = max((start + duration for start, duration in parts if start is not None), default=0.0)
    return after(record.started_ns, max(seconds, last_part))
