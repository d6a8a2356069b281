"""Quantiles of many values, within 1 %, in little memory."""

from __future__ import annotations

import math
from typing import Protocol

GAMMA = 1.02
"""How much wider each bucket of a sketch is than the one below: a value is within 1 % of its bucket's middle."""

_LOG_GAMMA = math.log(GAMMA)


class Values(Protocol):
    """Collects values one by one, for quantiles."""

    def add(self, value: float | None) -> None:
        """Add a value; `None`, a value that was not observed, is ignored."""
        ...

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, by the nearest rank; `None` without values."""
        ...

    @property
    def count(self) -> int:
        """How many values there are."""
        ...


class Sketch:
    """Collects values one by one, in bounded memory, for quantiles.

    Source: DDSketch, Masson et al., VLDB 2019.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._least = float('inf')
        self._most = float('-inf')

    def add(self, value: float | None) -> None:
        """Add a value; `None`, a value that was not observed, is ignored."""
        if value is not None:
            number = math.ceil(math.log(min(max(value, 1e-9), 1e12)) / _LOG_GAMMA)
            self._counts[number] = self._counts.get(number, 0) + 1
            self._least = min(self._least, value)
            self._most = max(self._most, value)

    @property
    def count(self) -> int:
        """How many values there are."""
        return sum(self._counts.values())

    def absorb(self, other: Sketch) -> None:
        """Add all values of another sketch."""
        for number, count in other._counts.items():
            self._counts[number] = self._counts.get(number, 0) + count
        self._least = min(self._least, other._least)
        self._most = max(self._most, other._most)

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, accurate to 1 %; `None` without values.

        The rank is the nearest one. The value never lies outside the observed range, and the least and the greatest one are
        exact, so that a high share of few values is.
        """
        count = self.count
        rank = max(1.0, q * count) - 1e-9
        if count and rank > count - 1:
            return self._most
        if count and rank <= 1:
            return self._least
        for number in sorted(self._counts):
            rank -= self._counts[number]
            if rank <= 0:
                middle = GAMMA**number * 2 / (1 + GAMMA)
                return min(max(middle, self._least), self._most)
        return None
