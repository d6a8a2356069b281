"""Small tables, and the one rule by which they fit a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from streamtap._display.cells import GAP, broken, cells, cut_in_the_middle, wrapped
from streamtap._display.exits import isolated
from streamtap._display.terminal import terminal_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


NARROW = 20
"""Cells that are left to a column of words at least, when it is made narrower so that names stand beside it."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        heading: What stands above it.
        worth: What it is worth where there is no room for all: the columns of the least worth are left out first; `None`
            for one that stays, unless no row says anything in it.
        name: What it is called where its heading alone does not tell; the heading if empty.
        least: Cells that it is wide at least, so that a table that is drawn again does not jump about.
        to_left: Whether its cells are words, which stand at its left side, as names do.
        beside: The heading of another column, beside which it says nothing where both have the same cells.
        is_id: Whether its cells are ids, which are copied, and so stand on one line.
        tells_none: Whether a `-` in it tells that there is none, as of failures, and not that nothing is known.
    """

    heading: str
    worth: int | None = None
    name: str = ''
    least: int = 0
    to_left: bool = False
    beside: str | None = None
    tells_none: bool = False
    is_id: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells below headings; the first column names the row.

    Args:
        columns: The columns.
        rows: The cells, as many in each row as there are columns.
        has_total: Whether the last row is the total of the others.
        name: What its rows are, to tell it from other tables; several may have the same.
        wraps: Whether words take several lines, and names stand above the other cells, before a column is left out.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    has_total: bool = False
    name: str = ''
    wraps: bool = False

    @property
    def headings(self) -> Sequence[str]:
        """The headings of the columns."""
        return [column.heading for column in self.columns]

    def fitted(self, width: int | None) -> Sequence[Grid]:
        """The tables that are shown of it on lines of so many cells: this one."""
        return [self]

    def __str__(self) -> str:
        """The table in plain text, its columns aligned.

        If stdout is a terminal, it fits its width, by leaving out the columns of the least worth; otherwise it has all.
        """
        return tables_text([self], [], terminal_width())


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line of a table: a cell, padded, or a part of its rule.

    Args:
        text: What to print.
        row: The number of its row; `None` in the headings and in the rule.
        column: The number of its column.
    """

    text: str
    row: int | None
    column: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A table as lines.

    Args:
        lines: The pieces of each line.
        whole: Cells of a line from which on it has all columns.
        left_out: The names of the columns that it lacks.
        name: That of the table.
    """

    lines: Sequence[Sequence[Piece]]
    whole: int
    left_out: Sequence[str]
    name: str = ''

    def __str__(self) -> str:
        """In plain text."""
        return '\n'.join(''.join(piece.text for piece in line).rstrip() for line in self.lines)


def lay_out(grid: Grid, width: int | None) -> Layout:
    """Make a table fit.

    First those columns are left out that say nothing, then others in the order of their worth, those of the same worth
    together. If those that must stay do not fit either, words take several lines in narrower columns; and if that is not
    enough, a name that is too long stands above the other cells of its row, which leaves more room for them. In a table that
    wraps, columns are only left out if all this is not enough. Names and words that are longer than a line take
    several. Nothing is cut.

    Args:
        grid: The table.
        width: Cells of a line; `None` if there is no limit.
    """
    sizes = [
        max((cells(line[number]) for line in (grid.headings, *grid.rows)), default=0)
        for number in range(len(grid.columns))
    ]
    sizes = [max(size, column.least) for size, column in zip(sizes, grid.columns, strict=True)]
    narrow = [
        min(size, max(NARROW, column.least)) if column.to_left and not column.is_id else size
        for size, column in zip(sizes, grid.columns, strict=True)
    ]
    whole = _together([0, *narrow[1:]] if grid.wraps else sizes)
    kept, first = list(range(1, len(sizes))), sizes[0]
    bands = [kept]
    if width is not None and _together(sizes) > width:
        names = [cells(row[0]) for row in grid.rows]
        kept = _fitting(grid, narrow, [], width) if grid.wraps else _fitting(grid, sizes, names, width)
        room = width - _together([0, *(narrow[number] for number in kept)])
        if first > room:
            # Those that do not fit stand above, as does a heading that is longer than all names.
            first = max((size for size in names if size <= room), default=0)
        if room >= 0:
            sizes, bands = _widened(narrow, sizes, kept, room - first), [kept]
        else:
            bands = list(_bands(kept, sizes, width))
    shape = _Shape(grid, sizes, first, bands, width)
    left_out = [each.name or each.heading for number, each in enumerate(grid.columns) if number and number not in kept]
    return Layout(list(shape.lines()), whole, left_out, grid.name)


def left_out_of(layouts: Sequence[Layout], width: int | None) -> str | None:
    """Which columns each of some tables lacks, in a line; `None` if they have all.

    Args:
        layouts: The tables.
        width: Cells of a line, for which they were made.
    """
    narrow = [each for each in layouts if each.left_out]
    if not narrow:
        return None
    lacking: dict[str, dict[str, None]] = {}
    for each in narrow:
        lacking.setdefault(each.name, {}).update(dict.fromkeys(each.left_out))
    is_one = len({each.name for each in layouts}) == 1
    told = [f'{"" if is_one else f"of {name} "}{", ".join(columns)}' for name, columns in lacking.items()]
    return f'left out at {width} columns ({max(each.whole for each in layouts)} show all): {"; ".join(told)}'


def tables_text(grids: Iterable[Grid], notes: Sequence[str], width: int | None) -> str:
    """Tables and sentences after them in plain text, with a line on the columns that are left out.

    Args:
        grids: The tables.
        notes: The sentences.
        width: Cells of a line; `None` if there is no limit.
    """
    layouts = [lay_out(each, width) for grid in grids for each in grid.fitted(width)]
    narrow = left_out_of(layouts, width)
    last = wrapped([*([] if narrow is None else [narrow]), *notes], width)
    return '\n\n'.join(filter(None, [*map(str, layouts), '\n'.join(last)]))


def _together(sizes: Iterable[int]) -> int:
    """The cells of columns beside each other."""
    found = list(sizes)
    return sum(found) + GAP * (len(found) - 1)


def _fitting(grid: Grid, sizes: Sequence[int], names: Sequence[int], width: int) -> list[int]:
    """The columns to keep, with all names on the same line; else with names above, for which any room is enough."""
    for least in (max(names, default=0), 0):
        for kept in choices(grid):
            if width - _together([0, *(sizes[number] for number in kept)]) >= least:
                return kept
    return list(choices(grid))[-1]


def _widened(narrow: Sequence[int], sizes: Sequence[int], kept: Sequence[int], spare: int) -> list[int]:
    """The sizes of columns of which those of words have the cells to spare, the narrowest first."""
    found = list(narrow)
    while spare and (growing := [number for number in kept if found[number] < sizes[number]]):
        found[min(growing, key=found.__getitem__)] += 1
        spare -= 1
    return found


def choices(grid: Grid) -> Iterator[list[int]]:
    """The numbers of the columns that may be kept: of all but the names, then of less and less, as there is less room."""
    columns = grid.columns
    kept = list(range(1, len(columns)))
    worths = sorted({worth for column in columns[1:] if (worth := column.worth) is not None})
    yield kept
    kept = [number for number in kept if columns[number].worth is None or not _says_nothing(grid, number)]
    yield kept
    kept = [number for number in kept if columns[number].tells_none or not _says_nothing(grid, number)]
    yield kept
    for least in worths:
        kept = [number for number in kept if (worth := columns[number].worth) is None or worth > least]
        yield kept


def _says_nothing(grid: Grid, number: int) -> bool:
    """Whether a column has no figure at all, or those of another; one without a row may yet have some."""
    if not grid.rows:
        return False
    beside = grid.columns[number].beside
    other = None if beside is None else list(grid.headings).index(beside)
    return all(row[number] == '-' for row in grid.rows) or (
        other is not None and all(row[number] == row[other] for row in grid.rows)
    )


def _bands(kept: Sequence[int], sizes: Sequence[int], width: int) -> Iterator[list[int]]:
    """Columns by line, as many on each as fit beside the indentation."""
    band: list[int] = []
    for number in kept:
        if band and _together([0, *(sizes[each] for each in (*band, number))]) > width:
            yield band
            band = []
        band.append(number)
    yield band


@dataclass(frozen=True, slots=True)
class _Shape:
    """How wide the columns of a table are, and which of them share a line."""

    grid: Grid
    sizes: Sequence[int]
    first: int
    bands: Sequence[Sequence[int]]
    width: int | None

    def lines(self) -> Iterator[list[Piece]]:
        if any(self.grid.headings):
            yield from self._of(self.grid.headings, None)
            yield self._rule()
        for number, row in enumerate(self.grid.rows):
            yield from self._of(row, number)

    def _of(self, line: Sequence[str], row: int | None) -> Iterator[list[Piece]]:
        name = line[0]
        if cells(name) > self.first:
            for part in [name] if self.width is None else broken(name, self.width):
                yield [Piece(isolated(part), row, 0)]
            name = ''
        for band in self.bands:
            for cells_of in self._lines_of(line, band):
                if name or any(cells_of):
                    pieces = (self._piece(cell, row, each) for each, cell in zip(band, cells_of, strict=True))
                    yield [Piece(_padded(name, self.first), row, 0), *pieces]
                name = ''

    def _lines_of(self, line: Sequence[str], band: Sequence[int]) -> Iterator[Sequence[str]]:
        """The cells of a band; words that are longer than their column take several lines."""
        words = [wrapped([line[each]], self._size(each)) if self.grid.columns[each].to_left else [] for each in band]
        yield [lines[0] if lines else line[each] for each, lines in zip(band, words, strict=True)]
        yield from zip_longest(*(lines[1:] for lines in words), fillvalue='')

    def _piece(self, cell: str, row: int | None, column: int) -> Piece:
        size = self._size(column)
        padded = _padded(cut_in_the_middle(cell, size), size, to_left=self.grid.columns[column].to_left)
        return Piece(' ' * GAP + padded, row, column)

    def _size(self, column: int) -> int:
        size = self.sizes[column]
        return size if self.width is None else min(size, max(1, self.width - GAP))

    def _rule(self) -> list[Piece]:
        # The longest line decides, where the columns take several.
        band = max(self.bands, key=lambda each: _together(self.sizes[number] for number in each))
        return [
            Piece('-' * self.first, None, 0),
            *(Piece(' ' * GAP + '-' * self._size(each), None, each) for each in band),
        ]


def _padded(cell: str, size: int, *, to_left: bool = True) -> str:
    room = ' ' * (size - cells(cell))
    return f'{isolated(cell)}{room}' if to_left else f'{room}{isolated(cell)}'
