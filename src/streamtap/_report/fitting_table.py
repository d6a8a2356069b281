"""A table of a page, which says which of its columns are left out where there is no room for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.elements import element, table
from streamtap._display.widths import shown_from

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from streamtap._display.grid import Grid


def fitting_table(grid: Grid) -> Element:
    """A table, and below it the names of the columns that have figures and are left out: see `width_rules`.

    Args:
        grid: The table.
    """
    widths = zip(grid.columns, shown_from(grid), strict=True)
    told = [
        (width, column.name or column.heading)
        for number, (column, width) in enumerate(widths)
        if width is not None and any(row[number] != '-' for row in grid.rows)
    ]
    # Where any is left out, the one that needs the widest room is.
    told.sort(key=lambda each: -each[0])
    made = table(grid)
    if told:
        names = (
            element('span', f', {name}' if place else name, class_=f'below-{width}')
            for place, (width, name) in enumerate(told)
        )
        made.append(element('p', 'Left out for lack of room: ', *names, class_=f'below-{told[0][0]} lacking dim'))
    return made
