"""The slowest runs as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._display.grid import Column, Grid
from streamtap._display.text import seconds
from streamtap._display.verdict import longest_phases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._sinks.usage.figures import RecentRun

MOST_ROWS = 3
"""How many runs the table shows; where there are no more than these, none is told apart."""

_COLUMNS = (
    Column('slowest run'),
    Column('took'),
    Column('outcome', to_left=True),
    Column('longest phase', to_left=True),
)


def slowest_grid(runs: Sequence[RecentRun], tools: str) -> Grid:
    """The slowest of some runs, and the phases in which most of their time went.

    Args:
        runs: The runs, the slowest first.
        tools: What the phase of tools is called.
    """
    # A stall is in the phase in which a model writes, and a called run in that of tools.
    words = {'stream': 'streams, with their stalls', 'tools': tools}
    rows = [
        (
            f'{clean(run.agent)} {clean(run.run_id)}',
            seconds(run.duration),
            clean(run.error_type or run.outcome),
            longest_phases(run.phases, words) or '-',
        )
        for run in runs[:MOST_ROWS]
    ]
    return Grid(_COLUMNS, rows, name='slowest runs', wraps=True)
