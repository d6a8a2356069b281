"""Where a run's time went."""

from __future__ import annotations

import pytest

from streamtap._meter.phases import PhaseClock, merged
from streamtap._meter.response import ResponseMeter


def test_overlapping_tools_count_once():
    """The tools phase is the union of the calls, not their sum."""
    assert merged([(5, 6), (0, 2), (1, 3), (3, 4)]) == [(0, 4), (5, 6)]


def test_the_phases_add_up_to_the_duration():
    """What no phase claims is other."""
    phases = PhaseClock()
    phases.add('queue', 2.0)
    phases.add('wait', 1.0)
    phases.tool(3.0, 4.0)
    phases.tool(3.5, 4.5)
    assert phases.split(7.0) == {'queue': 2.0, 'wait': 1.0, 'tools': 1.5, 'other': 2.5}


def test_where_two_phases_claim_the_same_time_tools_win():
    """A tool that runs while a stream is open takes the time from the stream."""
    phases = PhaseClock()
    phases.add('stream', 2.0)
    phases.tool(0.0, 1.5)
    assert phases.split(2.0) == {'stream': 0.5, 'tools': 1.5}


def test_many_tool_calls_are_kept_in_little_room():
    """Intervals that touch are merged as they come."""
    phases = PhaseClock()
    for number in range(1000):
        phases.tool(number / 10, number / 10 + 0.1)
    assert phases.split(100.0)['tools'] == pytest.approx(100.0)


def test_a_streamed_response_splits_into_wait_stream_native_tools_and_consumer():
    """Each second of the response has one name."""
    meter = ResponseMeter(10.0, stall_after=5.0)
    meter.part_started(0, 'text', 'answer', now=12.0)
    meter.chunk(0, 10.0, 12.0)
    meter.chunk(0, 13.0, 14.0)
    meter.native_started('search', 'n', 14.0)
    meter.other(14.0, 17.0)
    meter.native_returned('n', 17.0, succeeded=True)
    meter.chunk(0, 17.0, 18.0)
    meter.stop(18.0)
    phases = PhaseClock()
    phases.streamed(meter, 10.0, broke=False)
    assert phases.split(8.0) == {'wait': 2.0, 'stream': 2.0, 'native_tools': 3.0, 'consumer': 1.0}


def test_a_stream_that_broke_was_waited_for_until_it_broke():
    """A hang that ends in an error is the stream's time, not other."""
    meter = ResponseMeter(0.0, stall_after=5.0)
    meter.part_started(0, 'text', 'answer', now=1.0)
    meter.chunk(0, 0.0, 1.0)
    meter.stop(31.0)
    phases = PhaseClock()
    phases.streamed(meter, 0.0, broke=True)
    assert phases.split(31.0) == {'wait': 1.0, 'stream': 30.0}


def test_holding_tool_events_is_the_consumers_time_where_no_tool_runs():
    """Tools win over the consumer, and nothing is counted twice."""
    phases = PhaseClock()
    phases.tool(1.0, 2.0)
    phases.hold(0.5, 1.5)
    phases.hold(3.0, 4.0)
    assert phases.split(5.0) == {'tools': 1.0, 'consumer': 1.5, 'other': 2.5}
