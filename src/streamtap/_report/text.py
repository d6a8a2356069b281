"""Reports on a terminal: with colours where rich is installed, else plain."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from streamtap._display.cells import wrapped
from streamtap._display.grid import lay_out, left_out_of
from streamtap._display.terminal import has_styles, terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from streamtap._display.grid import Grid, Layout, Piece
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
    """Print a report: as wide as the terminal, and with colours where rich is installed; elsewhere plain, and all of it."""
    if has_styles() and importlib.util.find_spec('rich') is not None:
        _print_rich(document)
    else:
        print(document.text(terminal_width()))


def _print_rich(document: Document) -> None:
    # Not at the top: rich is an extra.
    from rich.console import Console
    from rich.text import Text

    console, width = Console(), terminal_width()
    grids = [each for grid in document.grids for each in grid.fitted(width)]
    layouts = [lay_out(grid, width) for grid in grids]
    narrow = left_out_of(layouts, width)
    blocks = [[Text(line, 'bold') for line in wrapped(document.heading, width)]]
    blocks += [list(_styled(grid, layout)) for grid, layout in zip(grids, layouts, strict=True)]
    notes = [*([] if narrow is None else [narrow]), *document.notes]
    blocks.append([Text(line, 'dim') for line in wrapped(notes, width)])
    if document.gate is not None:
        style = 'green' if document.gate.passed else 'bold red'
        blocks.append([Text(line, style) for line in wrapped([document.gate.verdict], width)])
    for number, block in enumerate(filter(None, blocks)):
        # The lines are as long as they should be: rich is neither to wrap them nor to cut them.
        console.print(*([''] if number else []), *block, sep='\n', soft_wrap=True)


def _styled(grid: Grid, layout: Layout) -> Iterator[Text]:
    from rich.text import Text

    for line in layout.lines:
        yield Text.assemble(*((piece.text, _style(grid, piece)) for piece in line))


def _style(grid: Grid, piece: Piece) -> str:
    if piece.row is None:
        return 'dim'
    is_total = grid.has_total and piece.row == len(grid.rows) - 1
    return 'bold' if is_total or not piece.column else _STYLES.get(piece.text.strip(), '')
