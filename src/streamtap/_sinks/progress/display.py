"""A live display of progress for a terminal, drawn by rich."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from streamtap._base.safe_text import safe
from streamtap._display.cells import cells, flowed
from streamtap._display.grid import Column, Grid, lay_out, left_out_of
from streamtap._records.failed import FAILED_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from streamtap._display.grid import Piece
    from streamtap._sinks.progress.batch import Batch
    from streamtap._sinks.progress.run_progress import RunProgress

SHOWN = 10
"""How many open runs, and how many ended ones, a display shows, if there is room."""

FEWER = 3
"""How many ended ones it shows otherwise."""

_NAMES = 'agent', 'time', 'what it does', 'speed', 'tokens', 'cost'
_WORTH = None, None, None, None, None, 1
_WORDS = 0, 2
"""The columns that are words."""

_STEADY = 30
"""Columns only grow up to so many cells, so that they do not jump about; a longer name is not missed when it has gone."""


class Shown(Live):
    """A live display whose last line has an end wherever it goes: rich ends it on a terminal only."""

    def stop(self) -> None:
        """Draw for the last time, and end the line."""
        was_shown = self.is_started
        super().stop()
        if was_shown and not (self.console.is_terminal or self.console.is_jupyter):
            self.console.line()


class Display:
    """Draws the runs as they are each time rich asks.

    Args:
        ended: The runs that ended since it is there, oldest first.
        now: The open runs, oldest first.
        batch: How far many runs have got, with a total if there is one.
    """

    def __init__(
        self,
        ended: Callable[[], Sequence[RunProgress]],
        now: Callable[[], Sequence[RunProgress]],
        batch: Callable[[int], Batch],
    ) -> None:
        self._ended = ended
        self._now = now
        self._batch = batch
        self._sizes = [0] * len(_NAMES)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines as they are now: none is wider than the terminal."""
        now, ended, width = self._now(), self._ended(), options.max_width
        batch = self._batch(sum(run.parent_run_id is None for run in now))
        has_batch = batch.total is not None or batch.ended > SHOWN
        head = [Text(line) for line in flowed(batch.parts(), width)] if has_batch else []
        lines = list(self._of_runs([*ended[-SHOWN:], *now[:SHOWN]], width))
        if len(head) + len(lines) > console.height:
            lines = list(self._of_runs([*ended[-FEWER:], *now[:SHOWN]], width))
        for line in (*head, *lines):
            line.no_wrap, line.overflow = True, 'ignore'
        yield Group(*head, *lines)

    def _of_runs(self, runs: Sequence[RunProgress], width: int) -> Iterator[Text]:
        layout = lay_out(self._grid(runs), width)
        for line in layout.lines:
            yield Text.assemble(*((piece.text, _style(runs, piece)) for piece in line))
        if (narrow := left_out_of([layout], width)) is not None:
            yield Text(narrow, 'dim')

    def _grid(self, runs: Sequence[RunProgress]) -> Grid:
        rows = [(safe(run.agent), *run.details()) for run in runs]
        for number, before in enumerate(self._sizes):
            now = max((cells(row[number]) for row in rows), default=0)
            self._sizes[number] = max(before, min(now, _STEADY))
        columns = [
            Column('', worth, name=name, least=size, to_left=number in _WORDS)
            for number, (name, worth, size) in enumerate(zip(_NAMES, _WORTH, self._sizes, strict=True))
        ]
        return Grid(columns, rows)


def _style(runs: Sequence[RunProgress], piece: Piece) -> str:
    if not piece.column or piece.row is None:
        return 'bold'
    run = runs[piece.row]
    return 'red' if run.is_stalled or run.outcome in FAILED_RUNS else 'dim' if run.outcome else ''
