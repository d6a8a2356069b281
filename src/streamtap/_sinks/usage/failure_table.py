"""The runs that failed as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._display.grid import Column, Grid
from streamtap._display.text import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._sinks.usage.figures import FailureUsage

MOST_ROWS = 20
"""How many groups a table shows."""

_COLUMNS = (
    Column('failure'),
    Column('where', to_left=True),
    Column('step', 3),
    Column('agent', 4, to_left=True),
    Column('runs'),
    Column('first seen', 1, to_left=True),
    Column('last seen', 2, to_left=True),
    Column('newest run', to_left=True, is_id=True),
)


def failure_grid(groups: Sequence[FailureUsage]) -> Grid:
    """The groups as a table, with their newest run."""
    rows = [
        (
            clean(each.error),
            clean(each.where) or '-',
            each.steps or '-',
            clean(each.agent),
            f'{each.runs:,}',
            _when(each.first_seen),
            _when(each.last_seen),
            clean(each.run_ids[0]),
        )
        for each in groups[:MOST_ROWS]
    ]
    return Grid(_COLUMNS, rows, name='failures', wraps=True)


def left_out(groups: Sequence[FailureUsage]) -> str:
    """What the table leaves out, as a sentence; empty if it has all."""
    more = groups[MOST_ROWS:]
    runs = sum(each.runs for each in more)
    if not more:
        return ''
    kinds = '1 more kind of failure is' if len(more) == 1 else f'{len(more):,} more kinds of failures are'
    return f'{kinds} not shown, of {plural(runs, "run")}: JSON has {"it" if len(more) == 1 else "them"}.'


def _when(time: str) -> str:
    """A time in ISO 8601 without its year and its zone, which is UTC."""
    return time[5:19].replace('T', ' ')
