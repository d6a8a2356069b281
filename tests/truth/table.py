"""The rows as a table that people read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from truth.row import Row

HEAD = (
    'case',
    'door',
    'time to first token',
    'median gap',
    'tokens/s',
    'tool',
    'phases',
    'run expected',
    'run seen',
    '',
)
ABSENT = '-'


def milliseconds(seconds: float | None) -> str:
    """An error in milliseconds, or a dash where there was nothing to compare."""
    return ABSENT if seconds is None else f'{seconds * 1e3:.1f} ms'


def percent(share: float | None) -> str:
    """An error in percent, or a dash where there was nothing to compare."""
    return ABSENT if share is None else f'{share:.2%}'


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown, each group under its own heading."""
    lines: list[str] = []
    group = ''
    for row in rows:
        if row.case.group != group:
            group = row.case.group
            lines += ['', f'### {group}', '', '| ' + ' | '.join(HEAD) + ' |', '|---' * len(HEAD) + '|']
        lines.append('| ' + ' | '.join(cells(row)) + ' |')
    return '\n'.join(lines) + '\n'


def cells(row: Row) -> tuple[str, ...]:
    """The cells of one row."""
    return (
        row.case.name,
        row.door,
        milliseconds(row.first_token),
        milliseconds(row.gap),
        percent(row.speed),
        milliseconds(row.tool),
        milliseconds(row.phases),
        row.expected.run,
        row.seen,
        'WRONG: ' + '; '.join(row.faults) if row.faults else '',
    )
