"""A report for people, as plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.exits import in_job_log

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._display.text import Grid
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
        """As plain text, the gate's verdict last."""
        return self.body if self.gate is None else f'{self.body}\n\n{in_job_log(self.gate.verdict)}'

    @property
    def body(self) -> str:
        """The same without the gate's verdict."""
        blocks = ['\n'.join(self.heading), *map(str, self.grids), '\n'.join(self.notes)]
        return in_job_log('\n\n'.join(filter(None, blocks)))
