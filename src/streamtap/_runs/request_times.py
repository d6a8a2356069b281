"""When a request started and ended: the formulas behind its times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._meter.response import SLOW_CONSUMER_SHARE
from streamtap._records.known import since

if TYPE_CHECKING:
    from streamtap._base.clock import Moments
    from streamtap._runs.request import Request
    from streamtap._upstream.model_responses import Attempt, Response

SHORTEST_HOLD = 0.01
"""Seconds that the consumer may hold the stream before the first token without hiding when it came."""


def attempt_start(request: Request, attempts: tuple[Attempt, ...], moments: Moments) -> float | None:
    """When the attempt that answered started: at the request's start, or when the last failed attempt ended.

    The attempts' times are on the wall clock, which may step: one that lies before the request, or after the first sign
    of an answer, is not trusted. The attempts' durations are used instead if the request's start is known.
    """
    if not attempts or request.tried_before >= len(attempts):
        return request.meter.started
    first_sign = (request.meter.first_event, request.answered, request.meter.stopped, moments.monotonic)
    latest = next(moment for moment in first_sign if moment is not None)
    failed_at = moments.to_monotonic(attempts[-1].started_unix + attempts[-1].duration)
    if request.meter.started is None:
        return failed_at if failed_at <= latest else None
    if request.meter.started <= failed_at <= latest:
        return failed_at
    return min(latest, request.meter.started + sum(attempt.duration for attempt in attempts))


def wait_until(started: float | None, moment: float | None, held: float) -> float | None:
    """The wait for the first token, or `None` if it may have come while the consumer held an event before it."""
    wait = since(started, moment)
    return None if wait is None or (held > SHORTEST_HOLD and held > SLOW_CONSUMER_SHARE * wait) else wait


def end_of(request: Request) -> tuple[float | None, float]:
    """When the response ended, and for how many seconds the consumer had held its stream by then."""
    meter = request.meter
    if not request.streamed:
        return request.answered if request.answered is not None else meter.stopped, 0.0
    if request.outcome in (None, 'success', 'incomplete') and meter.last_event is not None:
        return meter.last_event, meter.consumer_seconds - meter.held_at_end
    return meter.stopped, meter.consumer_seconds


def duration_of(request: Request, facts: Response | None, started: float | None) -> float | None:
    """How long the response took, without the time in which the consumer held its stream; `None` if that is unknown."""
    ended, held = end_of(request)
    if started is None or ended is None or request.outcome == 'incomplete':
        return None
    if request.streamed and request.outcome == 'success' and request.meter.last_event is None:
        # Nothing came, or whoever read it passed the tap by.
        return ended - started if facts is not None and facts.is_empty else None
    return max(0.0, ended - started - held)
