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


def readers_table(rows: Iterable[Row]) -> str:
    """What readers saw, as a table in Markdown."""
    lines = [
        "| case | the model's first output | the reader's first item | outputs that failed to validate | error |",
        '|---' * 5 + '|',
    ]
    for row in rows:
        if row.reader is not None:
            seen = row.reader
            failed = ABSENT if seen.failed_partials is None else str(seen.failed_partials)
            found = (whole(seen.first_token), whole(seen.first_item), failed, milliseconds(seen.error))
            lines.append('| ' + ' | '.join((row.case.name, *found)) + ' |')
    return '\n'.join(lines)


def stops_table(rows: Iterable[Row]) -> str:
    """What went on after readers had left, as a table in Markdown."""
    lines = ['| case | the response goes on for | chunks that are still read |', '|---' * 3 + '|']
    for row in rows:
        if row.reader is not None and row.reader.stop is not None:
            found = (milliseconds(row.reader.stop), str(row.reader.chunks))
            lines.append('| ' + ' | '.join((row.case.name, *found)) + ' |')
    return '\n'.join(lines)


def whole(seconds: float | None) -> str:
    """A time in whole milliseconds, or a dash where there is none."""
    return ABSENT if seconds is None else f'{seconds * 1e3:,.0f} ms'


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
