"""Small tables of text, for terminals and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells below headings; the first column names the row.

    Args:
        headings: One for each column.
        rows: The cells, as many in each row as there are headings.
        has_total: Whether the last row is the total of the others.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    has_total: bool = False

    def __str__(self) -> str:
        """The table in plain text, its columns aligned."""
        lines = [self.headings, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.headings))]
        shown = [
            '  '.join(
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        shown.insert(1, '  '.join('-' * width for width in widths))
        return '\n'.join(line.rstrip() for line in shown)


def printable(name: str) -> str:
    """The name, with unprintable characters replaced: they could break a table or control a terminal."""
    return ''.join(each if each.isprintable() else '\N{REPLACEMENT CHARACTER}' for each in name)
