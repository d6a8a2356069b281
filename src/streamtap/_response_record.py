"""Builds the records of a request from its measurements and its response: the formulas behind every figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._distribution import Distribution
from streamtap._records import PartRecord, ResponseRecord
from streamtap._surroundings import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage, ModelResponse

    from streamtap._meter import Part, ResponseMeter
    from streamtap._records import RequestOutcome, ResponseStart
    from streamtap._surroundings import Moments, Owner

SLOW_CONSUMER_SHARE = 0.1
"""If the consumer held the stream for a larger share of its window than this, the model's own pace is hidden."""

SHORTEST_WINDOW = 0.001
"""Seconds between first and last chunk below which a speed is meaningless."""


@dataclass(slots=True)
class Request:
    """An open request: one step's attempts at a model, until they are reported."""

    step: int
    started: float | None
    streamed: bool
    model: object
    meter: ResponseMeter
    messages: Sequence[ModelMessage] = ()
    history: int = 0
    tried_before: int = 0
    """How many attempts were over when this one was prepared: retries by a capability, not by the model itself."""
    response: ModelResponse | None = None
    answered: float | None = None
    outcome: RequestOutcome | None = None
    error_type: str | None = None
    exhausted: tuple[_upstream.Attempt, ...] = field(default=())
    unreported_start: ResponseStart | None = None
    """The start, until it is certain that the request was sent; then it is reported."""
    was_held: bool = False
    """Whether the stream may have been ready before its first event was asked for: its start and pace are unknown."""
    model_ids: tuple[str, ...] = ()
    """The ids of `model`, where that is the run's model and the request itself may have gone to another one."""
    asked_unix: float = 0.0
    """When the request was made, in seconds since the epoch."""

    def hold(self) -> None:
        """The consumer came late to a stream that may have been ready: forget its start."""
        self.was_held = True
        self.started = self.meter.started = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of a request.

    Args:
        records: Those of the failed attempts, then that of the attempt that answered, if any did.
        started: When the attempt that answered started.
        tried_seconds: The total duration of the failed attempts before it.
    """

    records: tuple[ResponseRecord, ...]
    started: float | None
    tried_seconds: float


def build_records(request: Request, owner: Owner, moments: Moments) -> Settled:
    """The records of a request that is over.

    Args:
        request: The request.
        owner: The run that it belongs to.
        moments: Converts between the clocks.
    """
    said = _upstream.response_at(request.messages, request.history) or request.response
    facts = _upstream.read_response(said) if said is not None else None
    attempts = request.exhausted or (facts.attempts if facts is not None else ())
    failed = tuple(_failed(attempt, number, request, owner) for number, attempt in enumerate(attempts, 1))
    if request.exhausted:
        # From its start to its end the request consisted of those attempts.
        return Settled(failed, request.started, sum(each.duration for each in attempts[: request.tried_before]))
    started = attempt_start(request, attempts, moments)
    answer = _answer(request, facts, attempts, owner, moments, started)
    return Settled((*failed, answer), started, sum(attempt.duration for attempt in attempts))


def _failed(attempt: _upstream.Attempt, number: int, request: Request, owner: Owner) -> ResponseRecord:
    usage = attempt.usage
    return ResponseRecord(
        run_id=owner.run_id,
        conversation_id=owner.conversation_id,
        step=request.step,
        attempt=number,
        agent=owner.agent,
        root_agent=owner.root_agent,
        provider=attempt.provider,
        model=attempt.model,
        door=owner.door,
        labels=owner.labels,
        instrumented=owner.instrumented,
        started_ns=stamp(round(attempt.started_unix * 1e9)),
        duration=attempt.duration,
        streamed=request.streamed,
        outcome='error',
        finish_reason='error',
        error_type=attempt.error_type,
        usage_reported=usage is not None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cache_read_tokens=usage.cache_read_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        cost_usd=attempt.cost_usd,
    )


def _answer(
    request: Request,
    facts: _upstream.Response | None,
    attempts: tuple[_upstream.Attempt, ...],
    owner: Owner,
    moments: Moments,
    started: float | None,
) -> ResponseRecord:
    meter = request.meter
    outcome = request.outcome or 'success'
    usage = facts.usage if facts else None
    zero = started if started is not None else meter.first_event
    paced = not request.was_held and not _held_back(meter)
    failures = max(0, len(attempts) - request.tried_before)
    provider, model = _upstream.asked_model(
        request.model, failures, facts.model_id if facts else None, request.model_ids
    )
    return ResponseRecord(
        run_id=owner.run_id,
        conversation_id=owner.conversation_id,
        step=request.step,
        attempt=len(attempts) + 1,
        agent=owner.agent,
        root_agent=owner.root_agent,
        provider=provider,
        model=model,
        response_model=facts.model if facts else None,
        door=owner.door,
        labels=owner.labels,
        instrumented=owner.instrumented,
        started_ns=moments.to_unix_ns(zero if zero is not None else moments.monotonic),
        duration=_duration(request, started),
        streamed=request.streamed,
        outcome=outcome,
        wait_before_attempt=sum(attempt.duration for attempt in attempts) if attempts else None,
        time_to_first_token=_since(started, meter.first_chunk),
        time_to_first_output=_since(started, meter.first_output),
        chunks=meter.chunks,
        gap_counts=Distribution.of_counts(meter.gap_counts) if paced and meter.chunks > 1 else None,
        gap_sum=meter.gap_sum if paced and meter.chunks > 1 else None,
        gap_max=meter.gap_max if paced and meter.chunks > 1 else None,
        stalls=meter.stalls,
        stall_seconds=meter.stall_seconds,
        stall_starts=tuple(max(0.0, moment - zero) for moment in meter.stall_moments) if zero is not None else (),
        consumer_seconds=meter.consumer_seconds,
        output_tokens_per_second=_speed(meter, usage) if paced and outcome == 'success' else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        cache_read_tokens=usage.cache_read_tokens if usage else None,
        cache_write_tokens=usage.cache_write_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        usage_reported=usage is not None,
        cost_usd=facts.cost_usd if facts else None,
        finish_reason=_finish_reason(outcome, facts),
        error_type=request.error_type,
        parts=tuple(_part(part, started) for part in meter.parts),
    )


def attempt_start(request: Request, attempts: tuple[_upstream.Attempt, ...], moments: Moments) -> float | None:
    """When the attempt that answered started: at the request's start, or when the last failed attempt ended.

    The attempts' times are on the wall clock, which may step: one that lies before the request, or after the first sign
    of an answer, is not trusted. The attempts' durations are used instead if the request's start is known.
    """
    if not attempts or request.tried_before >= len(attempts):
        return request.started
    first_sign = (request.meter.first_event, request.answered, request.meter.stopped, moments.monotonic)
    latest = next(moment for moment in first_sign if moment is not None)
    failed_at = moments.to_monotonic(attempts[-1].started_unix + attempts[-1].duration)
    if request.started is None:
        return failed_at if failed_at <= latest else None
    if request.started <= failed_at <= latest:
        return failed_at
    return min(latest, request.started + sum(attempt.duration for attempt in attempts))


def _since(started: float | None, moment: float | None) -> float | None:
    return None if started is None or moment is None or moment < started else moment - started


def _duration(request: Request, started: float | None) -> float | None:
    meter = request.meter
    if started is None:
        return None
    if not request.streamed:
        ended = request.answered if request.answered is not None else meter.stopped
        return None if ended is None else max(0.0, ended - started)
    end = meter.last_event if request.outcome in (None, 'success', 'incomplete') else meter.stopped
    if end is None and request.outcome != 'success':
        end = meter.stopped
    return None if end is None else max(0.0, end - started - meter.consumer_seconds)


def _held_back(meter: ResponseMeter) -> bool:
    """Whether the consumer, not the model, set the pace of the stream."""
    if meter.first_chunk is None:
        return False
    held = meter.consumer_at_last - meter.consumer_at_first
    return held > SLOW_CONSUMER_SHARE * (meter.last_chunk - meter.first_chunk)


def _speed(meter: ResponseMeter, usage: object) -> float | None:
    """Decode speed, without the time to first token: (output tokens - 1) / (last chunk - first chunk - native tools)."""
    output_tokens = getattr(usage, 'output_tokens', 0)
    if meter.first_chunk is None or meter.chunks < 2 or output_tokens < 2:
        return None
    window = meter.last_chunk - meter.first_chunk - meter.native_at_last
    return (output_tokens - 1) / window if window >= SHORTEST_WINDOW else None


def _finish_reason(outcome: str, facts: _upstream.Response | None) -> str:
    if outcome == 'error':
        return 'error'
    if outcome in ('cancelled', 'timeout'):
        return 'cancelled'
    return (facts.finish_reason if facts else None) or 'unknown'


def _part(part: Part, started: float | None) -> PartRecord:
    return PartRecord(
        index=part.index,
        kind=part.kind,
        tool=part.tool,
        tool_call_id=part.tool_call_id,
        start=_since(started, part.started),
        duration=max(0.0, part.last_chunk - part.started),
        chunks=part.chunks,
    )
