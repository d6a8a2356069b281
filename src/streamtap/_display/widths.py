"""From which width of a page on a column of a table is shown, so that no number is ever cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from streamtap._display.breaks import counts_of, parts_of
from streamtap._display.grid import choices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streamtap._display.grid import Grid

SIZE = 13.0
"""The size of a table's font, in pixels."""

PADDING, PADDING_SHARE = 4.0, 0.01
"""What is at each side of a cell at least, in pixels, and the share of the table's room that it is where there is more."""

STEP, LEAST, MOST = 20, 280, 960
"""The widths that are told apart, in pixels: below the least all columns stay that must, from the most on all are shown."""

MOST_WORDS = 14
"""How many characters of a cell of words are on one line at least, if it has so many."""

_NARROW, _OTHERS, _BROAD = 0.4, 0.64, 1.0
"""The widest that a character of common fonts is, as a share of their size."""

_BOLD = 1.1


def shown_from(grid: Grid) -> Sequence[int | None]:
    """From which width of its table on each column is shown, in pixels; `None` if it always is.

    Those of the least worth need the most. A table that does not fit even so, or that is wider than all columns need at
    most, is scrolled.

    Args:
        grid: The table.
    """
    needs = list(_needs(grid))
    found: list[int | None] = [None] * len(needs)
    kept_at = list(choices(grid))
    for number in range(1, len(needs)):
        if number in kept_at[-1]:
            continue
        least = min(_room(needs[0], [needs[each] for each in kept]) for kept in kept_at if number in kept)
        found[number] = min(MOST, max(LEAST, STEP * math.ceil(least / STEP)))
    return found


def width_rules() -> str:
    """The style sheet's rules that hide the columns for which a table has no room, and show what is for narrower ones."""
    return '\n'.join(
        f'@container table (max-width: {width - 0.02:g}px) '
        f'{{ .from-{width} {{ display: none; }} .below-{width} {{ display: revert; }} }}'
        for width in range(LEAST, MOST + 1, STEP)
    )


def _room(name: float, others: Sequence[float]) -> float:
    """The pixels that a table needs, of which the cells of the first column have nothing at their left."""
    text, sides = name + sum(others), 1 + 2 * len(others)
    return max(text + sides * PADDING, text / (1 - sides * PADDING_SHARE) if sides * PADDING_SHARE < 1 else MOST)


def _needs(grid: Grid) -> Iterator[float]:
    for number, column in enumerate(grid.columns):
        cells = [row[number] for row in grid.rows]
        heading = _longest(column.heading.split())
        if not number:
            yield max(heading, _BOLD * _longest(part for cell in cells for part in _unbroken(cell)))
        elif column.to_left:
            yield max(heading, _longest(_words(cell) for cell in cells))
        else:
            parts = (part for cell in cells for part in counts_of(cell))
            yield max(heading, _longest(parts) * (_BOLD if grid.has_total else 1))


def _words(cell: str) -> str:
    """What a cell of words has on one line at least."""
    longest = max(_unbroken(cell), key=_pixels, default='')
    return max(longest, cell[:MOST_WORDS], key=_pixels)


def _unbroken(cell: str) -> list[str]:
    indent = cell[: len(cell) - len(cell.lstrip(' '))]
    return [f'{indent}{word}' for part in parts_of(cell) for word in part.split()]


def _longest(texts: Iterable[str]) -> float:
    return max(map(_pixels, texts), default=0.0)


def _pixels(text: str) -> float:
    return SIZE * sum(map(_ems, text))


def _ems(character: str) -> float:
    if character in " .,:;|!ijl'":
        return _NARROW
    return _BROAD if character in 'mMwW%@…' or east_asian_width(character) in 'WF' else _OTHERS
