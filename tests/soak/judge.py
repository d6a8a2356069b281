"""The verdict: what was expected beside what was found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soak.ledger import Ledger, Series


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was checked; without `faults` it was right."""

    what: str
    expected: str
    found: str
    faults: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict in a word or more."""
        return 'DIFFERS' if self.faults else 'equal' if self.expected == self.found else 'ok'

    def cells(self) -> tuple[str, ...]:
        """The cells of its line in the table."""
        return self.what, self.expected, self.found, self.verdict

    def as_json(self) -> dict[str, object]:
        """The row as JSON takes it."""
        return {**asdict(self), 'verdict': self.verdict}


def compare(names: Sequence[str], ledger: Ledger, recorded: Ledger) -> list[Row]:
    """A row for each metric: right only if each of its series is exactly equal.

    Args:
        names: The metrics.
        ledger: What really happened.
        recorded: What the tap recorded.
    """
    rows: list[Row] = []
    for name in names:
        keys = sorted(key for key in ledger.keys() | recorded.keys() if key[0] == name)
        faults = tuple(
            f'{_shown(key)}: {ledger[key]} happened, {recorded[key]} recorded'
            for key in keys
            if ledger[key] != recorded[key]
        )
        expected, found = (sum(counts[key] for key in keys) for counts in (ledger, recorded))
        rows.append(Row(name, f'{expected:,}', f'{found:,}', faults))
    return rows


def exactly(what: str, expected: int, found: int) -> Row:
    """A row that is right if both are equal."""
    faults = () if expected == found else (f'{found:,} instead of {expected:,}',)
    return Row(what, f'{expected:,}', f'{found:,}', faults)


def at_most(what: str, limit: float, found: float, unit: str = '') -> Row:
    """A row that is right if the limit is kept."""
    faults = () if found <= limit else (f'{found:,.2f}{unit} is more than {limit:,.2f}{unit}',)
    return Row(what, f'at most {limit:,.10g}{unit}', f'{found:,.4g}{unit}', faults)


def at_least(what: str, limit: int, found: int) -> Row:
    """A row that is right if the limit is reached."""
    faults = () if found >= limit else (f'{found:,} is less than {limit:,}',)
    return Row(what, f'at least {limit:,}', f'{found:,}', faults)


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in Markdown, then what is wrong with them."""
    rows = list(rows)
    lines = ['| what | happened | recorded | verdict |', '|---|---:|---:|---|']
    lines += ['| ' + ' | '.join(row.cells()) + ' |' for row in rows]
    lines += [f'{row.what}: {fault}' for row in rows for fault in row.faults]
    return '\n'.join(lines)


def _shown(key: Series) -> str:
    return '{' + ', '.join(f'{name}={value!r}' for name, value in key[1]) + '}'
