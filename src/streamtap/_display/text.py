"""Numbers and small tables as text, for terminals and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.exits import isolated

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


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
                _padded(cell, width, to_right=column > 0)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            for line in lines
        ]
        shown.insert(1, '  '.join('-' * width for width in widths))
        return '\n'.join(line.rstrip() for line in shown)


def _padded(cell: str, width: int, *, to_right: bool) -> str:
    room = ' ' * (width - len(cell))
    return f'{room}{isolated(cell)}' if to_right else f'{isolated(cell)}{room}'


def model_name(provider: str, model: str) -> str:
    """The name of a model, with its provider where that is known."""
    return f'{provider}:{model}' if provider else model


def seconds(value: object) -> str:
    """A duration with its unit; `-` where none was observed."""
    if not isinstance(value, (int, float)):
        return '-'
    if 0 < value < 0.001:
        return '<1 ms'
    return f'{value * 1000:.0f} ms' if value < 1 else f'{value:.2f} s'


def dollars(value: object) -> str:
    """A cost in US dollars; `-` where none is known."""
    if not isinstance(value, (int, float)):
        return '-'
    if value >= 1:
        return f'${value:.2f}'
    # Single requests of small models cost a few millionths.
    return f'${value:.4f}' if value >= 0.0005 or not value else f'${value:.6f}'


def rate(value: object) -> str:
    """A speed, without its unit; `-` where none was observed."""
    return f'{value:.0f}' if isinstance(value, (int, float)) else '-'


def outcome_counts(outcomes: object, *, only: Collection[str] = (), other_than: Collection[str] = ()) -> str:
    """The counts by outcome, without the successes: of some outcomes only, or of others; `-` where there is none."""
    counts: dict[str, int] = outcomes if isinstance(outcomes, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    hidden = {'success', *other_than}
    shown = [f'{count} {name}' for name, count in counts.items() if name not in hidden and (not only or name in only)]
    return ', '.join(shown) or '-'
