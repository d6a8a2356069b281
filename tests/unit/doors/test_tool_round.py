"""When each tool of one round began, told from the order of events alone."""

from __future__ import annotations

from streamtap._doors.tool_round import Scheduled, start_of
from streamtap._runs.tool_calls import OpenTool


def scheduled(*calls: tuple[bool, float | None]) -> list[Scheduled]:
    return [
        Scheduled(OpenTool('tool', str(place), 'function', 1, 0.0), alone, ended=ended)
        for place, (alone, ended) in enumerate(calls)
    ]


def starts(*calls: tuple[bool, float | None]) -> list[float | None]:
    made = scheduled(*calls)
    return [start_of(made, place, 10.0) for place in range(len(made))]


def test_parallel_calls_start_together():
    """Nothing keeps them apart."""
    assert starts((False, 13.0), (False, 11.0), (False, None)) == [10.0, 10.0, 10.0]


def test_a_sequential_call_waits_for_all_before_it_and_those_after_for_it():
    """The case that was measured: 300, 100, then alone 100, then 200 and 100 ms."""
    assert starts((False, 10.3), (False, 10.1), (True, 10.4), (False, 10.6), (False, 10.5)) == [
        10.0,
        10.0,
        10.3,
        10.4,
        10.4,
    ]


def test_calls_one_by_one_each_start_after_the_one_before():
    """The run-wide sequential mode makes every call wait for all before it."""
    assert starts((True, 10.1), (True, 10.3), (True, 10.6)) == [10.0, 10.1, 10.3]


def test_a_call_behind_one_that_has_not_ended_has_not_started():
    """Its start is unknown, not zero."""
    assert starts((False, None), (True, None), (False, None)) == [10.0, None, None]


def test_a_later_batch_starts_when_it_was_handed_over():
    """After an output tool, say: not with the calls before it."""
    made = scheduled((False, 10.3), (False, 10.9))
    made[0].released, made[1].released = 10.0, 10.5
    assert [start_of(made, place, 11.0) for place in range(2)] == [10.0, 10.5]
