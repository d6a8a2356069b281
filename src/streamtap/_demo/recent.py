"""The last runs, each with a bar of where its time went."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from streamtap._display.grid import Column, Grid, lay_out
from streamtap._display.text import seconds
from streamtap._records.failed import FAILED_RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamtap._display.grid import Piece
    from streamtap._sinks.usage.figures import RecentRun

SHOWN = 4
"""How many runs are shown."""

LONGEST_BAR, SHORTEST_BAR = 100, 20
"""Cells of the bar of the longest run."""

_MARKS = {
    'wait': ('░', 'yellow', 'waiting'),
    'stream': ('█', 'green', 'streaming'),
    'tools': ('▒', 'blue', 'tools'),
    'rest': ('·', 'dim', 'rest'),
}
"""For each phase its mark, which distinguishes it where there are no colours, its colour, and its name."""

_COLOURS = {mark: style for mark, style, _ in _MARKS.values()}

_BAR = 3
"""The number of its column."""


def recent_lines(runs: Sequence[RecentRun], width: int) -> Iterator[Text]:
    """The last runs as lines: agent, outcome, duration, bar; after them what the marks of the bars mean.

    Args:
        runs: The runs, oldest first.
        width: Cells of a line.
    """
    shown = runs[-SHOWN:]
    longest = max((run.duration or 0.0 for run in shown), default=0.0)
    room = width - lay_out(_grid([(run, '') for run in shown], 0), None).whole
    size = min(LONGEST_BAR, max(SHORTEST_BAR, room))
    grid = _grid([(run, _bar(run.phases, longest, size)) for run in shown], SHORTEST_BAR)
    for line in lay_out(grid, width).lines:
        yield Text.assemble(*(part for piece in line for part in _styled(grid, piece)))
    yield Text('  ').join(Text.assemble((mark, style), f' {name}') for mark, style, name in _MARKS.values())


def _grid(runs: Sequence[tuple[RecentRun, str]], least: int) -> Grid:
    columns = (
        Column('last runs'),
        Column('outcome', least=8, to_left=True),
        Column('time', least=7),
        Column('where the time went' if least else '', least=least, to_left=True),
    )
    return Grid(columns, [(run.agent, run.outcome, seconds(run.duration), bar) for run, bar in runs])


def _styled(grid: Grid, piece: Piece) -> Iterator[tuple[str, str]]:
    if piece.row is None:
        yield piece.text, 'dim'
    elif piece.column == _BAR:
        yield from ((''.join(marks), _COLOURS.get(mark, '')) for mark, marks in groupby(piece.text))
    else:
        outcome = 'red' if grid.rows[piece.row][1] in FAILED_RUNS else 'dim'
        yield piece.text, ('bold', outcome, '')[piece.column]


def _bar(phases: Mapping[str, float], longest: float, size: int) -> str:
    bar = ''
    shown = {phase: phases.get(phase, 0.0) for phase in ('wait', 'stream', 'tools')}
    shown['rest'] = sum(phases.values()) - sum(shown.values())
    passed = 0.0
    for phase, spent in shown.items():
        passed += spent
        upto = round(passed / longest * size) if longest else 0
        bar += _MARKS[phase][0] * (upto - len(bar))
    return bar
