"""Which tool called a run: page, text and HTML report ask the same function."""

from __future__ import annotations

import math

import pytest

from streamtap._display.callers import Timed, callers_of, with_callers
from streamtap._records.run_tree import RunTree
from support.made_records import run, tool

MS = 0.001


@pytest.mark.parametrize(
    ('called', 'tools', 'expected'),
    [
        ((2, 98), [(0, 40), (1, 100), (2, 200)], 1),
        ((5, 50), [(0, 100), (8, 100), (3, 100)], 0),
        ((5, 50), [(8, 100)], None),
        ((5, 50), [(0, 20), (0, 30)], 1),
        ((5, math.inf), [(0, 20), (1, math.inf), (4, math.inf), (6, math.inf)], 1),
        ((5, 50), [], None),
    ],
    ids=[
        'the first to end after it',
        'of equals the first to begin',
        'too early',
        'outlived',
        'still open',
        'no tools',
    ],
)
def test_the_caller_is_the_tool_that_ends_right_after_the_run(
    called: tuple[float, float], tools: list[tuple[float, float]], expected: int | None
):
    """Tools that run beside it began before it, too."""
    called_run, *calls = (Timed((start * MS, end * MS), None) for start, end in [called, *tools])
    assert callers_of([called_run], calls) == [expected]


@pytest.mark.parametrize(
    ('called', 'tools', 'expected'),
    [
        (['b', 'a'], ['a', 'b'], [1, 0]),
        (['a', 'a'], ['a', 'b'], [0, 0]),
        ([None, None], ['a', 'b'], [0, 1]),
        (['gone', None], ['a', 'b'], [None, 0]),
        (['a', 'a'], ['a', 'a'], [0, 1]),
    ],
    ids=['by id', 'both by one', 'unknown', 'of no call that is known', 'ids that repeat'],
)
def test_runs_that_were_interrupted_together_are_of_the_calls_whose_ids_they_have(
    called: list[str | None], tools: list[str], expected: list[int | None]
):
    """Where they have none, each call has one of them, in their order."""
    runs = [Timed((0.02 + place * MS, 1.3), tool_call_id) for place, tool_call_id in enumerate(called)]
    calls = [Timed((0.01 + place * MS, 1.3), tool_call_id) for place, tool_call_id in enumerate(tools)]
    assert callers_of(runs, calls) == expected


def test_a_providers_tool_calls_no_run():
    """It runs elsewhere."""
    nested = RunTree(run(duration=1.0))
    native, own = tool(kind='native', duration=1.0), tool(duration=1.5)
    assert list(with_callers(RunTree(run(), [nested, native, own]))) == [(nested, own)]
    assert list(with_callers(RunTree(run(), [nested, native]))) == [(nested, None)]


def test_a_tool_that_was_interrupted_called_the_run_that_was_interrupted_with_it():
    """Although another one was called beside it, which had ended."""
    nested = RunTree(run(started_ns=1_000_000_000, duration=3.0, outcome='cancelled'))
    done, cut = tool(tool='done', duration=1.5), tool(tool='cut', duration=None, outcome='interrupted')
    assert list(with_callers(RunTree(run(duration=4.0), [done, nested, cut]))) == [(nested, cut)]
