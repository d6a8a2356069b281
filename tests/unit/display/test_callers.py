"""Which tool called a run: page, text and HTML report ask the same function."""

from __future__ import annotations

import math

import pytest

from streamtap._display.callers import caller_of, waited_for, with_callers
from streamtap._records.run_tree import RunTree
from support.made_records import run, tool

MS = 1_000_000


@pytest.mark.parametrize(
    ('called', 'tools', 'expected'),
    [
        ((2, 98), [(0, 40), (1, 100), (2, 200)], 1),
        ((5, 50), [(0, 100), (6, 100), (3, 100)], 2),
        ((5, 50), [(8, 100)], None),
        ((5, 50), [(0, 20), (0, 30)], 1),
        ((5, math.inf), [(0, 20), (1, math.inf), (4, math.inf), (6, math.inf)], 2),
        ((5, 50), [], None),
    ],
    ids=['the first to end after it', 'of equals the last to begin', 'too early', 'outlived', 'still open', 'no tools'],
)
def test_the_caller_is_the_tool_that_ends_right_after_the_run(
    called: tuple[float, float], tools: list[tuple[float, float]], expected: int | None
):
    """Tools that run beside it began before it, too."""
    called_run, *calls = ((start * MS, end * MS) for start, end in [called, *tools])
    assert caller_of(called_run, calls) == expected


def test_a_providers_tool_calls_no_run():
    """It runs elsewhere."""
    nested = RunTree(run(duration=1.0))
    native, own = tool(kind='native', duration=1.0), tool(duration=1.5)
    assert list(with_callers([nested, native, own])) == [(nested, own)]
    assert list(with_callers([nested, native])) == [(nested, None)]


def test_what_is_waited_for_covers_the_time_once():
    """Each instant is that of the last to end."""
    assert waited_for([(0, 4), (1, 2), (3, 6), (8, 9)]) == [(0, 3), (0.0, 0.0), (3, 6), (8, 9)]
    assert waited_for([(0, 4), (3, 6)], (1, 5)) == [(1, 3), (3, 5)]
