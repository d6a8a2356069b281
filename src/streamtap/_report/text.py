"""Tables on a terminal: with rich where it is installed, else plain."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from streamtap._display.exits import isolated

if TYPE_CHECKING:
    from streamtap._report.document import Document

_STYLES = {
    'better': 'green',
    'met': 'green',
    'worse': 'bold red',
    'missed': 'bold red',
    'no clear change': 'dim',
    'too few to tell': 'dim',
    'nothing to judge': 'dim',
    '-': 'dim',
}


def print_document(document: Document) -> None:
    """Print a report: with colours on a terminal that rich can draw on, else plain."""
    if sys.stdout.isatty() and importlib.util.find_spec('rich') is not None:
        _print_rich(document)
    else:
        print(document)


def _print_rich(document: Document) -> None:
    # Not at the top: rich is an extra.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text('\n'.join(document.heading), 'bold'))
    for grid in document.grids:
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
    for note in document.notes:
        console.print(Text(note, 'dim'))
    if document.gate is not None:
        console.print(Text(document.gate.verdict, 'green' if document.gate.passed else 'bold red'))
