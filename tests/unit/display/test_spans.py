"""When the pieces of a run began and ended, also what was interrupted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import FailureRecord
from streamtap._display.spans import durations, durations_until, spans, waited_for
from streamtap._records.run_tree import RunTree
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from streamtap import ToolRecord

BEGAN = 1_796_068_355_000_000_000
"""As in real records: numbers so large are not exact to the nanosecond as floating point."""


def at(seconds: float, *, took: float | None, **fields: Any) -> ToolRecord:
    """A tool call."""
    return tool(started_ns=BEGAN + int(seconds * 1e9), duration=took, **fields)


def cut(seconds: float, **fields: Any) -> ToolRecord:
    """A tool call that was interrupted."""
    return at(seconds, took=None, outcome='interrupted', **fields)


def tree(*pieces: Any, **of_run: Any) -> RunTree:
    return RunTree(run(started_ns=BEGAN, **of_run), list(pieces))


def test_what_was_interrupted_ended_with_its_run():
    """What is known to have ended earlier did."""
    of_run = tree(at(0.5, took=1.0), cut(1.0), duration=3.0, outcome='cancelled')
    assert durations(of_run) == [1.0, 2.0]
    assert spans(of_run) == [(0.5, 1.5), (1.0, 3.0)]


def test_what_the_run_still_did_after_the_interruption_is_no_tools():
    """All tools together ran no longer than the run's phases say."""
    phases = {'tools': 3.0, 'other': 4.0}
    of_run = tree(at(0.0, took=2.0), cut(1.0), duration=7.0, outcome='cancelled', phases=phases)
    assert durations(of_run) == [2.0, 2.0]


def test_it_is_not_longer_than_the_run_where_the_phases_have_more():
    """Calls that were not kept are in them, too."""
    of_run = tree(cut(1.0), duration=2.0, outcome='cancelled', phases={'tools': 9.0})
    assert durations(of_run) == [1.0]


def test_what_is_not_known_stays_so():
    """Of a run whose end nobody saw, and of a call that was refused."""
    assert durations(tree(cut(1.0), at(1.0, took=None, outcome='denied'), duration=None)) == [None, None]


def test_what_was_interrupted_while_its_run_went_on_ended_before_the_next_step():
    """The run waits for all calls of a step."""
    of_run = tree(cut(1.0, step=1), response(step=2, started_ns=BEGAN + 2_000_000_000, duration=3.0), duration=9.0)
    assert durations(of_run) == [1.0, 3.0]


def test_a_providers_tool_that_was_interrupted_ended_with_its_response():
    """Which may be before the end of the run."""
    asked = response(started_ns=BEGAN, duration=2.5)
    of_run = tree(asked, cut(1.0, kind='native'), duration=9.0)
    assert durations(of_run) == [2.5, 1.5]


@pytest.mark.parametrize(
    ('outcome', 'failure'),
    [
        ('error', None),
        ('retried', FailureRecord(agent='a', error='UnexpectedModelBehavior', place='tool', name='bad', step=1)),
    ],
)
def test_what_another_ones_failure_interrupted_ended_before_that(outcome: str, failure: FailureRecord | None):
    """Also where the call was sent back once too often: the run waited for the one that failed."""
    of_run = tree(
        at(0.0, took=1.0, tool='bad', outcome=outcome), cut(0.5), duration=3.0, outcome='error', failure=failure
    )
    assert durations(of_run) == [1.0, pytest.approx(0.5)]
    (_, failed), (_, interrupted) = spans(of_run)
    assert interrupted < failed


def test_a_call_that_was_sent_back_does_not_interrupt_others():
    """Nobody waited less for them."""
    of_run = tree(at(0.0, took=1.0, outcome='retried'), cut(0.5), duration=3.0, outcome='cancelled')
    assert durations(of_run) == [1.0, 2.5]


def test_in_an_open_run_it_goes_on_until_now():
    """The end of the run is about to come."""
    assert durations_until(4.0, [cut(1.0)], BEGAN) == [3.0]


def test_what_is_waited_for_covers_the_time_once():
    """Each instant is that of the last to end."""
    assert waited_for([(0, 4), (1, 2), (3, 6), (8, 9)]) == [(0, 3), (0.0, 0.0), (3, 6), (8, 9)]
    assert waited_for([(0, 4), (3, math.inf)], (1, 5)) == [(1, 3), (3, 5)]
