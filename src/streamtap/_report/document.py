"""A report for people, as plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.cells import wrapped
from streamtap._display.exits import in_job_log
from streamtap._display.grid import tables_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._display.grid import Grid
    from streamtap._report.gate import Gate


@dataclass(frozen=True, slots=True)
class Document:
    """Words and tables.

    Args:
        heading: What the journals are, a line for each side.
        grids: The tables.
        notes: Sentences after them.
        gate: The gate, if the report is to pass one.
        unread: How many lines and files could not be read.
    """

    heading: Sequence[str]
    grids: Sequence[Grid]
    notes: Sequence[str]
    gate: Gate | None = None
    unread: int = 0

    def __str__(self) -> str:
        """As plain text of any width, the gate's verdict last."""
        return self.text(None)

    def text(self, width: int | None) -> str:
        """As plain text, the gate's verdict last.

        Args:
            width: Columns of the terminal; `None` for what programs read.
        """
        body = self.body(width)
        return body if self.gate is None else f'{body}\n\n{_lines([self.gate.verdict], width)}'

    def body(self, width: int | None = None) -> str:
        """The same without the gate's verdict."""
        blocks = [_lines(self.heading, width), in_job_log(tables_text(self.grids, self.notes, width))]
        return '\n\n'.join(filter(None, blocks))


def _lines(sentences: Sequence[str], width: int | None) -> str:
    return in_job_log('\n'.join(wrapped(sentences, width)))
