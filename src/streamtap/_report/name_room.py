"""How much room names have in a picture, at the left of what is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.cells import cells

if TYPE_CHECKING:
    from collections.abc import Iterable

PHONE = 422.0
"""How much of a picture a phone of 390 pixels shows, in the units of its 1160: the rest is scrolled."""

BOLD, NORMAL = 7.2, 6.4
"""How wide a character of a name is, in the same units."""

SIDE = 4.0
"""What is left of a name, and right of it at least."""


def room_for(names: Iterable[str], beside: float, least: float) -> float:
    """Where what is drawn begins: as far right as the longest name needs, which is bold, and at most where a phone ends.

    Args:
        names: The names.
        beside: What stands between names and what is drawn, in units.
        least: Where it begins at least, so that pictures with short names are alike.
    """
    longest = max(map(cells, names), default=0)
    return min(PHONE, max(least, longest * BOLD + 2 * SIDE + beside))


def most_cells(room: float, per_cell: float = BOLD) -> int:
    """How many cells of a name fit into some room."""
    return int((room - SIDE) / per_cell + 1e-6)
