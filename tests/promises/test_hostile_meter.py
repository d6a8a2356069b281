"""The meter and the records, given any sequence of events on clocks that jump."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from hostile.clocks import SECONDS
from hostile.coded import IDENTITY, NO_PROMPTS, NOTHING_REDACTED
from hostile.events import RESPONSE_EVENTS, RESPONSES, SHAPELESS_EVENTS
from hostile.sound import faults
from hostile.texts import NAMES
from streamtap._base.clock import Moments
from streamtap._meter.phases import PhaseClock
from streamtap._meter.response import ResponseMeter
from streamtap._records.bounds import MAX_PARTS
from streamtap._runs.request import Request
from streamtap._runs.response_record import build_records
from streamtap._upstream.model_responses import asked_model
from streamtap._upstream.stream_events import feed_response

if TYPE_CHECKING:
    from collections.abc import Sequence

Fed = list[tuple[Any, float, float]]
FED = st.lists(st.tuples(RESPONSE_EVENTS, SECONDS, SECONDS), max_size=30)


def feed(meter: ResponseMeter, fed: Fed) -> float:
    """Feed events, each with the time in which the consumer held the one before, and the wait; tell when that was."""
    now = 1000.0
    for event, held, waited in fed:
        pulled = now + held
        now = pulled + waited
        feed_response(meter, event, pulled, now, lambda tool: (tool[:200].encode(errors='replace').decode(), False))
    return now


@given(fed=FED, started=st.none() | SECONDS, stop_after=SECONDS)
def test_a_meter_takes_any_events_on_any_clock(fed: Fed, started: float | None, stop_after: float):
    """It does not raise, and keeps no more than its caps allow."""
    meter = ResponseMeter(None if started is None else 1000.0 + started, stall_after=5.0)
    meter.stop(feed(meter, fed) + stop_after)
    assert len(meter.parts) + len(meter.native_calls) <= 2 * MAX_PARTS
    assert sum(meter.inter_chunk_latencies) <= max(0, meter.chunks - 1)
    assert meter.waiting_since is None


@given(
    fed=FED,
    started=st.none() | SECONDS,
    stop_after=SECONDS,
    response=st.none() | RESPONSES,
    names=st.tuples(NAMES, NAMES),
)
def test_any_response_becomes_a_sound_record(
    fed: Fed, started: float | None, stop_after: float, response: Any, names: tuple[str, str]
):
    """Whatever the events and the response say, and whenever: texts can be encoded, numbers are finite, nothing is huge."""
    zero = None if started is None else 1000.0 + started
    meter = ResponseMeter(zero, stall_after=5.0)
    end = feed(meter, fed) + stop_after
    meter.stop(end)
    request = Request(
        1,
        streamed=True,
        model=asked_model(SimpleNamespace(system=names[0], model_name=names[1])),
        meter=meter,
        response=response,
    )
    settled = build_records(request, IDENTITY, Moments(1000.0, 1_767_225_600_000_000_000), NOTHING_REDACTED, NO_PROMPTS)
    found = [fault for record in settled.records for fault in faults(record)]
    assert not found, found


@given(fed=FED, started=st.none() | SECONDS, duration=st.floats(0, 1e9))
def test_phases_always_add_up(fed: Fed, started: float | None, duration: float):
    """No phase is negative, and together they are the run's duration."""
    meter = ResponseMeter(None if started is None else 1000.0 + started, stall_after=5.0)
    meter.stop(feed(meter, fed))
    phases = PhaseClock()
    phases.streamed(meter, meter.started, broke=True)
    split = phases.split(duration)
    assert all(seconds > 0 for seconds in split.values())
    assert abs(sum(split.values()) - duration) <= 1e-3


@given(events=st.lists(SHAPELESS_EVENTS, max_size=10), fed=FED)
def test_what_is_no_event_leaves_the_meter_usable(events: Sequence[Any], fed: Fed):
    """The door swallows what such an event makes the meter raise; what comes after it is measured."""
    meter = ResponseMeter(1000.0, stall_after=5.0)
    for event in events:
        with contextlib.suppress(Exception):
            feed_response(meter, event, 1000.0, 1000.0, lambda tool: (tool, False))
    before = meter.chunks
    meter.chunk(0, 1000.0, 1001.0)
    assert meter.chunks == before + 1
    meter.stop(feed(meter, fed))
