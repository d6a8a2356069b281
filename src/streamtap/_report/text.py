"""Tables on a terminal: with rich where it is installed, else plain."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from streamtap._display.exits import isolated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._display.text import Grid

_STYLES = {'better': 'green', 'worse': 'bold red', 'no clear change': 'dim', 'too few to tell': 'dim', '-': 'dim'}


def print_grids(heading: str, grids: Sequence[Grid], notes: Sequence[str]) -> None:
    """Print tables: coloured on a terminal that rich can draw on, else plain.

    Args:
        heading: Printed before them.
        grids: The tables.
        notes: Printed after them.
    """
    if sys.stdout.isatty() and importlib.util.find_spec('rich') is not None:
        _print_rich(heading, grids, notes)
    else:
        print('\n\n'.join([heading, *map(str, grids), *(['\n'.join(notes)] if notes else [])]))


def _print_rich(heading: str, grids: Sequence[Grid], notes: Sequence[str]) -> None:
    # Not at the top: rich is an extra.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(heading, 'bold'))
    for grid in grids:
        table = Table(box=box.SIMPLE_HEAD, header_style='dim')
        for column, title in enumerate(grid.headings):
            table.add_column(Text(title), justify='right' if column else 'left')
        for number, row in enumerate(grid.rows, 1):
            is_total = grid.has_total and number == len(grid.rows)
            table.add_row(
                *(
                    Text(isolated(cell), 'bold' if is_total or not column else _STYLES.get(cell, ''))
                    for column, cell in enumerate(row)
                ),
                end_section=grid.has_total and number == len(grid.rows) - 1,
            )
        console.print(table)
    for note in notes:
        console.print(Text(note, 'dim'))
