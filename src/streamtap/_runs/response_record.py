"""Builds the records of a request from its measurements and its response: the formulas behind every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.clock import stamp
from streamtap._records.distribution import Distribution
from streamtap._records.known import since
from streamtap._records.records import PartRecord, ResponseRecord
from streamtap._runs.measured_usage import is_repeated, why_unmeasured
from streamtap._runs.prompts import NOT_COMPARED, Prompt
from streamtap._runs.request_times import attempt_start, duration_of, end_of, wait_until
from streamtap._runs.speed import output_tokens_per_second
from streamtap._upstream import model_responses
from streamtap._upstream.context_windows import listed_window
from streamtap._upstream.outcomes import REQUEST_TIMEOUTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_ai.messages import ModelResponse

    from streamtap._base.clock import Moments
    from streamtap._delivery.redaction import Redaction
    from streamtap._meter.parts import Part
    from streamtap._runs.identity import RunIdentity
    from streamtap._runs.prompts import Prompts
    from streamtap._runs.request import Request
    from streamtap._upstream.servers import Server


class Settled(NamedTuple):
    """The outcome of a request.

    Args:
        records: Those of the failed attempts, then that of the attempt that answered, if any did.
        responses: What pydantic-ai has of the response behind each record, for the user's price.
        started: When the attempt that answered started.
        tried_seconds: The total duration of the failed attempts before it.
        prompt: The prompt of the attempt that answered, with which the next one is compared, if its size is known.
        tool_calls: How many tools the answer asked for.
    """

    records: tuple[ResponseRecord, ...]
    responses: tuple[ModelResponse | None, ...]
    started: float | None
    tried_seconds: float
    prompt: Prompt | None = None
    tool_calls: int = 0


def build_records(
    request: Request, identity: RunIdentity, moments: Moments, redact: Redaction, prompts: Prompts
) -> Settled:
    """The records of a request that is over.

    Args:
        request: The request.
        identity: The run that it belongs to.
        moments: Converts between the clocks.
        redact: Replaces the names of models and the types of exceptions.
        prompts: The prompts of the run so far; this one is not added.
    """
    response, facts = _facts(request)
    attempts = request.exhausted or (facts.attempts if facts is not None else ())
    failed = tuple(_failed(attempt, number, request, identity, redact) for number, attempt in enumerate(attempts, 1))
    kept = tuple(attempt.kept for attempt in attempts)
    if request.exhausted:
        # From its start to its end the request consisted of those attempts.
        tried_seconds = sum(each.duration for each in attempts[: request.tried_before])
        return Settled(failed, kept, request.meter.started, tried_seconds)
    started = attempt_start(request, attempts, moments)
    answer, prompt = _answer(request, facts, attempts, identity, moments, redact, started, prompts)
    tried_seconds = sum(attempt.duration for attempt in attempts)
    calls = facts.tool_calls if facts else 0
    return Settled((*failed, answer), (*kept, response), started, tried_seconds, prompt, calls)


def _facts(request: Request) -> tuple[ModelResponse | None, model_responses.Response | None]:
    """The response, and what it says of itself, where usage and price are booked: in the run's messages.

    A response that another capability made of the model's may lack its usage.
    """
    committed = model_responses.response_at(request.messages, request.history)
    facts = None if committed is None else model_responses.read_response(committed)
    if request.response is None or (facts is not None and facts.usage is not None):
        return committed, facts
    return request.response, model_responses.read_response(request.response)


def _failed(
    attempt: model_responses.Attempt, number: int, request: Request, identity: RunIdentity, redact: Redaction
) -> ResponseRecord:
    usage = attempt.usage
    asked = request.model.named(attempt.provider, attempt.model)
    return ResponseRecord(
        run_id=identity.run_id,
        conversation_id=identity.conversation_id,
        step=request.step,
        attempt=number,
        agent=identity.agent,
        root_agent=identity.root_agent,
        provider=redact('provider', attempt.provider),
        model=redact('model', attempt.model),
        server_address=_address(asked.server, redact),
        server_port=asked.server.port if asked.server else None,
        request_settings=request.settings_of(asked),
        door=identity.door,
        labels=identity.labels,
        instrumented=identity.instrumented,
        started_ns=stamp(round(attempt.started_unix * 1e9)),
        duration=attempt.duration,
        streamed=request.streamed,
        outcome='timeout' if attempt.error_type in REQUEST_TIMEOUTS else 'error',
        finish_reason='error',
        error_type=redact.if_known('error_type', attempt.error_type),
        usage_reported=usage is not None,
        usage_complete=usage is not None,
        unmeasured='not_reported' if attempt.kept is not None and usage is None else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cache_read_tokens=usage.cache_read_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cost_usd=attempt.cost_usd,
    )


def _answer(
    request: Request,
    facts: model_responses.Response | None,
    attempts: tuple[model_responses.Attempt, ...],
    identity: RunIdentity,
    moments: Moments,
    redact: Redaction,
    started: float | None,
    prompts: Prompts,
) -> tuple[ResponseRecord, Prompt | None]:
    meter = request.meter
    outcome = request.outcome or 'success'
    if request.was_read and outcome == 'success' and facts and not (facts.is_complete or facts.finish_reason):
        outcome = 'cancelled'
    repeated = is_repeated(request.first_input_tokens, facts, meter)
    unmeasured = why_unmeasured(outcome, facts, meter, repeated=repeated)
    if repeated and facts is not None:
        facts = facts._replace(usage=None, cost=None)
    usage, cost = (facts.usage, facts.cost) if facts else (None, None)
    zero = started if started is not None else meter.first_event
    paced = not request.was_held and not meter.is_held_back
    latencies = Distribution.of_counts(meter.inter_chunk_latencies) if paced and meter.chunks > 1 else None
    left, chunks_when_left = request.left or (None, 0)
    failures = max(0, len(attempts) - request.tried_before)
    asked = request.model.candidate(failures, facts.model_id if facts else None)
    server = (facts.server if facts else None) or asked.server
    prompt = None
    if usage is not None and unmeasured is None:
        began, ended = zero if zero is not None else moments.monotonic, meter.stopped or moments.monotonic
        size = facts.prompt_tokens if facts and facts.prompt_tokens is not None else usage.input_tokens
        prompt = Prompt(asked.provider, asked.name, size, usage, began, max(began, ended), request.prefix)
    compared = NOT_COMPARED if prompt is None else prompts.compare(prompt)
    record = ResponseRecord(
        run_id=identity.run_id,
        conversation_id=identity.conversation_id,
        step=request.step,
        attempt=len(attempts) + 1,
        agent=identity.agent,
        root_agent=identity.root_agent,
        provider=redact('provider', asked.provider),
        model=redact('model', asked.name),
        response_model=redact.if_known('model', facts.model) if facts else None,
        response_id=facts.response_id if facts else None,
        server_address=_address(server, redact),
        server_port=server.port if server else None,
        request_settings=request.settings_of(asked),
        door=identity.door,
        labels=identity.labels,
        instrumented=identity.instrumented,
        started_ns=moments.to_unix_ns(zero if zero is not None else moments.monotonic),
        duration=duration_of(request, facts, started),
        streamed=request.streamed,
        outcome=outcome,
        wait_before_attempt=sum(attempt.duration for attempt in attempts) if attempts else None,
        time_to_first_token=wait_until(started, meter.first_chunk, meter.consumer_at_first),
        time_to_first_output=wait_until(started, meter.first_output, meter.consumer_at_output),
        chunks=meter.chunks,
        inter_chunk_latencies=latencies,
        inter_chunk_latency_sum=meter.inter_chunk_latency_sum if paced and meter.chunks > 1 else None,
        max_inter_chunk_latency=meter.max_inter_chunk_latency if paced and meter.chunks > 1 else None,
        stalls=meter.stalls,
        stall_seconds=meter.stall_seconds,
        stall_starts=tuple(max(0.0, moment - zero) for moment in meter.stall_moments) if zero is not None else (),
        consumer_seconds=end_of(request)[1],
        stop_seconds=since(left, meter.stopped),
        chunks_after_stop=None if left is None else meter.chunks - chunks_when_left,
        output_tokens_per_second=output_tokens_per_second(meter, latencies, facts) if outcome == 'success' else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cache_read_tokens=usage.cache_read_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        usage_reported=usage is not None,
        usage_complete=usage is not None and unmeasured is None,
        unmeasured=unmeasured,
        cost_usd=cost.usd if cost else None,
        cost_source=cost.source if cost else None,
        context_window=asked.window or listed_window(asked.provider, asked.name),
        context_tokens=None if prompt is None else prompt.size + prompt.usage.output_tokens,
        cache_missed_tokens=compared.cache_missed_tokens,
        cache_miss_reason=compared.cache_miss_reason,
        cache_saved_usd=compared.cache_saved_usd,
        cache_lost_usd=compared.cache_lost_usd,
        tool_result_tokens=compared.tool_result_tokens,
        tool_results_of=compared.tool_results_of,
        provider_timing=_timing(request, facts),
        finish_reason=_finish_reason(outcome, request.error_type, facts),
        error_type=redact.if_known('error_type', request.error_type),
        parts=tuple(
            _part(part, started, is_cut=request.is_truncated and part is meter.parts[-1]) for part in meter.parts
        ),
    )
    return record, prompt


def _timing(request: Request, facts: model_responses.Response | None) -> Mapping[str, float]:
    refused = {} if request.retry_after is None else {'retry_after': request.retry_after}
    return {**(facts.timing if facts else {}), **refused}


def _address(server: Server | None, redact: Redaction) -> str | None:
    return None if server is None else redact('server_address', server.address)


def _finish_reason(outcome: str, error_type: str | None, facts: model_responses.Response | None) -> str:
    if outcome == 'error' or error_type is not None:
        return 'error'
    if outcome in ('cancelled', 'timeout'):
        return 'cancelled'
    return (facts.finish_reason if facts else None) or 'unknown'


def _part(part: Part, started: float | None, *, is_cut: bool) -> PartRecord:
    return PartRecord(
        index=part.index,
        kind=part.kind,
        tool=part.tool,
        tool_call_id=part.tool_call_id,
        start=since(started, part.started),
        duration=None if is_cut else max(0.0, part.last_chunk - part.started),
        chunks=part.chunks,
    )
