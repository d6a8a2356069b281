"""Many values in little room: a histogram whose buckets are at most 5 % wide."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _fine_bounds() -> tuple[float, ...]:
    # Every 1, 2, 3 and 5 of a decade is a bound itself, so that folding into buckets of that series is exact.
    bounds: list[float] = []
    for exponent in range(-6, 4):
        for low, high, steps in ((1.0, 2.0, 15), (2.0, 3.0, 9), (3.0, 5.0, 11), (5.0, 10.0, 15)):
            first = float(f'{low:g}e{exponent}')
            bounds.extend(first * (high / low) ** (step / steps) for step in range(steps))
    bounds.append(1e4)
    return tuple(bounds)


BOUNDS = _fine_bounds()
"""Upper bounds (inclusive) of the fine buckets, from 1e-6 to 1e4; above them is one bucket more."""


def empty_counts() -> array[int]:
    """A count of 0 for each fine bucket; `counts[bisect_left(BOUNDS, value)] += 1` counts a value.

    What it counts never needs more memory, as a list of numbers would.
    """
    return array('Q', bytes(8 * (len(BOUNDS) + 1)))


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often values fell into fine logarithmic buckets, each at most 5 % wide.

    Values at or below 1e-6 share the first bucket, values above 1e4 the last.

    Args:
        buckets: The buckets that counted anything, as (bucket number, count), in order.
    """

    buckets: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of_counts(cls, counts: array[int]) -> Distribution:
        """The distribution held by what `empty_counts` made."""
        # Few buckets count anything, and those lie together: where they begin and end, the bytes tell at once.
        held = counts.tobytes()
        first = (len(held) - len(held.lstrip(b'\0'))) // counts.itemsize
        last = -(-len(held.rstrip(b'\0')) // counts.itemsize)
        return cls(tuple((number, counts[number]) for number in range(first, last) if counts[number]))

    @classmethod
    def of_values(cls, values: Iterable[float]) -> Distribution:
        """The distribution of some values."""
        counts = empty_counts()
        for value in values:
            counts[bisect_left(BOUNDS, value)] += 1
        return cls.of_counts(counts)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(count for _, count in self.buckets)

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, true within 5 %.

        The rank is the nearest one (rank = ceil(q * n), at least 1), the value the bucket's geometric middle.

        Args:
            q: The share, from 0 to 1.

        Returns:
            The value, or `None` when nothing was counted.

        Raises:
            ValueError: If `q` is not from 0 to 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f'a quantile is a share from 0 to 1, not {q!r}')
        rank = max(1.0, q * self.total)
        seen = 0
        for number, count in self.buckets:
            seen += count
            if seen >= rank - 1e-9:
                upper = BOUNDS[min(number, len(BOUNDS) - 1)]
                lower = BOUNDS[number - 1] if number else upper
                return (lower * upper) ** 0.5
        return None

    def fold(self, bounds: Sequence[float]) -> tuple[int, ...]:
        """The counts in coarser buckets, exact where a bound is a 1, 2, 3 or 5 of its decade.

        Args:
            bounds: Rising upper bounds (inclusive) of the coarser buckets.

        Returns:
            One count for each bound, and last the count above all of them; not cumulative.
        """
        folded = [0] * (len(bounds) + 1)
        for number, count in self.buckets:
            upper = BOUNDS[number] if number < len(BOUNDS) else float('inf')
            lower = BOUNDS[number - 1] if number else 0.0
            middle = (lower * upper) ** 0.5 if upper != float('inf') else upper
            # A bound inside a fine bucket takes the bucket's middle for all of its values.
            folded[bisect_left(bounds, middle if lower else upper)] += count
        return tuple(folded)


class Sketch:
    """Gathers values one by one, in bounded memory, for quantiles."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._least = float('inf')
        self._most = float('-inf')

    def add(self, value: float | None) -> None:
        """Take a value; `None`, which was not observed, is left out."""
        if value is not None:
            number = bisect_left(BOUNDS, value)
            self._counts[number] = self._counts.get(number, 0) + 1
            self._least = min(self._least, value)
            self._most = max(self._most, value)

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, true within 5 %; `None` without values.

        Never outside what was seen, so that a single value reads as itself.
        """
        middle = Distribution(tuple(sorted(self._counts.items()))).quantile(q)
        return None if middle is None else min(max(middle, self._least), self._most)
