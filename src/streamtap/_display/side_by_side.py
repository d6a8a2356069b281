"""A table that has a column for each of some values, and what becomes of it where there is no room for all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._display.cells import GAP, cells
from streamtap._display.grid import Column, Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class SideBySide(Grid):
    """Figures of some values: a row for each figure, and a column for each value.

    Where the columns do not fit, it is turned round, a row for each value, if all figures fit so; else there are several
    tables below each other, each with as many values as fit. No figure is left out.
    """

    __slots__ = ()

    def fitted(self, width: int | None) -> Sequence[Grid]:
        """The tables that are shown.

        Args:
            width: Cells of a line; `None` if there is no limit.
        """
        if width is None or _together(self, range(len(self.columns))) <= width:
            return [self]
        turned = self._turned()
        # The names may stand above.
        if _together(turned, range(1, len(turned.columns))) + GAP <= width:
            return [turned]
        return list(self._parts(width))

    def _turned(self) -> Grid:
        columns = [Column(self.headings[0]), *(Column(row[0]) for row in self.rows)]
        rows = [(name, *(row[place] for row in self.rows)) for place, name in enumerate(self.headings) if place]
        return Grid(columns, rows, name=self.name)

    def _parts(self, width: int) -> Iterator[Grid]:
        places: list[int] = []
        for place in range(1, len(self.columns)):
            if places and _together(self, [0, *places, place]) > width:
                yield self._part(places)
                places = []
            places.append(place)
        yield self._part(places)

    def _part(self, places: Sequence[int]) -> Grid:
        columns = [self.columns[each] for each in (0, *places)]
        if len(places) == 1:
            # A name that is longer than the figures are wide does not draw them apart.
            columns = [Column(f'{columns[0].heading} {columns[1].heading}'), replace(columns[1], heading='')]
        return Grid(columns, [[row[each] for each in (0, *places)] for row in self.rows], name=self.name)


def _together(grid: Grid, places: Sequence[int]) -> int:
    """The cells of some columns beside each other."""
    sizes = [max(cells(line[place]) for line in (grid.headings, *grid.rows)) for place in places]
    return sum(sizes) + GAP * (len(sizes) - 1)
