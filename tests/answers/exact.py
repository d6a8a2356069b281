"""Exact answers, from the records of everything that happened, and how far a shown number is from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    Record = TypeVar('Record')

FEWEST = 20
"""How many values a quantile must be of to be judged."""


class Exact(Protocol):
    """An exact answer."""

    @property
    def kind(self) -> str:
        """What it is: `count`, `sum`, `share` or `quantile`."""
        ...

    def error(self, shown: float | None) -> float:
        """How far a shown number is from it, as a share of the exact one; `None` is what shows nothing."""
        ...

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Number:
    """An answer that is one number.

    Args:
        kind: `count`, `sum` or `share`.
        value: The number.
    """

    kind: str
    value: float

    def error(self, shown: float | None) -> float:
        """Nothing shown is 0."""
        seen = 0.0 if shown is None or math.isnan(shown) else shown
        if self.value == seen:
            return 0.0
        return abs(seen - self.value) / abs(self.value) if self.value else math.inf

    def __str__(self) -> str:
        return f'{self.value:.6g}'


@dataclass(frozen=True, slots=True)
class Quantile:
    """An answer that is a quantile of values.

    All nine definitions of a sample's quantile (Hyndman and Fan, 1996) lie between two neighbours of its rank, so any
    number between them is exact.

    Args:
        q: The share of the values that lie below it.
        values: All values, ascending.
    """

    q: float
    values: tuple[float, ...]
    kind: str = 'quantile'

    @property
    def between(self) -> tuple[float, float]:
        """The two neighbours of its rank."""
        rank = self.q * len(self.values)
        last = len(self.values) - 1
        return self.values[max(0, math.floor(rank) - 1)], self.values[min(last, math.ceil(rank))]

    def error(self, shown: float | None) -> float:
        """How far it is from the nearer neighbour."""
        low, high = self.between
        if shown is None or math.isnan(shown):
            return math.inf
        if low <= shown <= high:
            return 0.0
        nearer = low if shown < low else high
        return abs(shown - nearer) / nearer

    def __str__(self) -> str:
        low, high = self.between
        return f'{low:.4g} to {high:.4g}'


Answers = Mapping[tuple[str, ...], Exact]
"""Exact answers by the values of their labels."""


def counts(records: Iterable[Record], by: Callable[[Record], tuple[str, ...]]) -> Answers:
    """How many records there are, by group."""
    return {key: Number('count', len(found)) for key, found in grouped(records, by).items()}


def sums(
    records: Iterable[Record], by: Callable[[Record], tuple[str, ...]], of: Callable[[Record], float | None]
) -> Answers:
    """The sums of a value, by group; those that are 0 need not be shown."""
    found = {key: sum(of(record) or 0.0 for record in each) for key, each in grouped(records, by).items()}
    return {key: Number('sum', value) for key, value in found.items() if value}


def means(
    records: Iterable[Record], by: Callable[[Record], tuple[str, ...]], of: Callable[[Record], float | None]
) -> Answers:
    """The mean of a value that all records have, by group."""
    return {
        key: Number('sum', sum(of(record) or 0.0 for record in each) / len(each))
        for key, each in grouped(records, by).items()
    }


def shares(
    records: Iterable[Record], by: Callable[[Record], tuple[str, ...]], which: Callable[[Record], bool]
) -> Answers:
    """The share of the records that are such, by group."""
    return {key: Number('share', sum(map(which, each)) / len(each)) for key, each in grouped(records, by).items()}


def quantiles(
    q: float,
    records: Iterable[Record],
    by: Callable[[Record], tuple[str, ...]],
    of: Callable[[Record], float | None],
    *,
    fewest: int = FEWEST,
) -> dict[tuple[str, ...], Quantile]:
    """A quantile of a value, by group, where there are enough values."""
    found: dict[tuple[str, ...], Quantile] = {}
    for key, each in grouped(records, by).items():
        values = sorted(value for record in each if (value := of(record)) is not None)
        if len(values) >= fewest:
            found[key] = Quantile(q, tuple(values))
    return found


def grouped(
    records: Iterable[Record], by: Callable[[Record], tuple[str, ...]]
) -> dict[tuple[str, ...], Sequence[Record]]:
    """The records by group."""
    found: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        found.setdefault(by(record), []).append(record)
    return {key: found[key] for key in sorted(found)}
