"""Many values in little memory: a histogram whose buckets are at most 5 % wide."""

import itertools
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, FailFast, Field, Strict

from streamtap._records.bounds import MAX_NUMBER

_STEPS = ((1.0, 1.5, 9), (1.5, 2.0, 6), (2.0, 3.0, 9), (3.0, 5.0, 11), (5.0, 7.5, 9), (7.5, 10.0, 6))
"""How a decade is divided."""


def _fine_bounds() -> tuple[float, ...]:
    # Every 1, 1.5, 2, 3, 5 and 7.5 of a decade is a bound itself, so that folding into buckets of that series is exact.
    bounds: list[float] = []
    for exponent in range(-6, 4):
        for low, high, steps in _STEPS:
            first = float(f'{low:g}e{exponent}')
            bounds.extend(first * (high / low) ** (step / steps) for step in range(steps))
    bounds.append(1e4)
    return tuple(bounds)


BOUNDS = _fine_bounds()
"""Upper bounds (inclusive) of the fine buckets, from 1e-6 to 1e4; one more bucket lies above them."""


def empty_counts() -> 'array[int]':
    """A count of 0 for each fine bucket; `counts[bisect_left(BOUNDS, value)] += 1` counts a value.

    Its memory never grows as it counts, unlike that of a list of integers.
    """
    return array('Q', bytes(8 * (len(BOUNDS) + 1)))


def _in_order(buckets: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    if any(one >= other for (one, _), (other, _) in itertools.pairwise(buckets)):
        raise ValueError('buckets must be in order, each once')
    return buckets


Buckets: TypeAlias = Annotated[
    tuple[
        tuple[
            Annotated[int, Strict(), Field(ge=0, le=len(BOUNDS))], Annotated[int, Strict(), Field(ge=1, le=MAX_NUMBER)]
        ],
        ...,
    ],
    FailFast(),
    Field(max_length=len(BOUNDS) + 1),
    AfterValidator(_in_order),
]
"""The non-empty buckets, as (bucket number, count), in order."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How often values fell into fine logarithmic buckets, each at most 5 % wide.

    Values at or below 1e-6 share the first bucket, values above 1e4 the last.

    Args:
        buckets: The non-empty buckets, as (bucket number, count), in order.
    """

    buckets: Buckets = ()

    @classmethod
    def of_counts(cls, counts: 'array[int]') -> 'Distribution':
        """The distribution in an array that `empty_counts` created."""
        # Few buckets are non-empty, and those lie together: stripping zero bytes finds the first and the last fast.
        held = counts.tobytes()
        first = (len(held) - len(held.lstrip(b'\0'))) // counts.itemsize
        last = -(-len(held.rstrip(b'\0')) // counts.itemsize)
        return cls(tuple((number, counts[number]) for number in range(first, last) if counts[number]))

    @classmethod
    def of_values(cls, values: Iterable[float]) -> 'Distribution':
        """The distribution of the given values."""
        counts = empty_counts()
        for value in values:
            counts[bisect_left(BOUNDS, value)] += 1
        return cls.of_counts(counts)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(count for _, count in self.buckets)

    def values(self) -> Iterator[tuple[float, int]]:
        """Each bucket's value, the geometric mean of its bounds, and how many values fell into it."""
        for number, count in self.buckets:
            upper = BOUNDS[min(number, len(BOUNDS) - 1)]
            yield ((BOUNDS[number - 1] if number else upper) * upper) ** 0.5, count

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, accurate to 5 %.

        The rank is the nearest one (ceil(q * n), at least 1); the value is the geometric mean of its bucket's bounds.

        Args:
            q: The share, from 0 to 1.

        Returns:
            The value, or `None` if nothing was counted.

        Raises:
            ValueError: If `q` is not from 0 to 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f'a quantile is a share from 0 to 1, not {q!r}')
        rank = max(1.0, q * self.total)
        seen = 0
        for value, count in self.values():
            seen += count
            if seen >= rank - 1e-9:
                return value
        return None

    def fold(self, bounds: Sequence[float]) -> tuple[int, ...]:
        """The counts in coarser buckets, exact where a bound is a 1, 1.5, 2, 3, 5 or 7.5 of its decade.

        Args:
            bounds: Ascending upper bounds (inclusive) of the coarser buckets.

        Returns:
            One count for each bound, then the count above all of them; not cumulative.
        """
        folded = [0] * (len(bounds) + 1)
        for number, count in self.buckets:
            upper = BOUNDS[number] if number < len(BOUNDS) else float('inf')
            lower = BOUNDS[number - 1] if number else 0.0
            middle = (lower * upper) ** 0.5 if upper != float('inf') else upper
            # Where a bound lies inside a fine bucket, all values of that bucket are placed at its geometric mean.
            folded[bisect_left(bounds, middle if lower else upper)] += count
        return tuple(folded)
