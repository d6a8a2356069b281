"""The buckets of a native histogram: exponential, sparse, and never more than 160."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from typing import TYPE_CHECKING

from streamtap._records.distribution import BOUNDS

if TYPE_CHECKING:
    from streamtap._records.distribution import Distribution

SCHEMA = 4
"""The finest resolution: 16 buckets for each power of two, each 4.4 % wide."""

LOWEST_SCHEMA = -4
"""The coarsest resolution, at which no set of numbers needs more than 160 buckets."""

MAX_BUCKETS = 160

ZERO_THRESHOLD = 2.0**-128
"""Values up to this size are counted as zero; the one that Prometheus's own client has."""

_FRACTIONS = tuple(2.0 ** (step / 2**SCHEMA - 1) for step in range(2**SCHEMA))
_GOLDEN = (math.sqrt(5) - 1) / 2


def bucket_of(value: float) -> int:
    """The bucket of a positive, finite value at the finest resolution: `number` is of the values up to 2^(number/16)."""
    fraction, exponent = math.frexp(value)
    return bisect_left(_FRACTIONS, fraction) + (exponent - 1) * 2**SCHEMA


def _shares(low: float, high: float) -> tuple[tuple[int, float], ...]:
    """The buckets that hold the values from `low` to `high`, each with the share of them in it and in those before."""
    first, last, width = bucket_of(math.nextafter(low, high)), bucket_of(high), math.log2(high / low)
    inner = [(number, (number / 2**SCHEMA - math.log2(low)) / width) for number in range(first, last)]
    return (*inner, (last, 1.0))


_SHARES = (
    ((bucket_of(BOUNDS[0]), 1.0),),
    *(_shares(low, high) for low, high in itertools.pairwise(BOUNDS)),
    ((bucket_of(BOUNDS[-1]) + 1, 1.0),),
)
"""For each fine bucket of a distribution."""


class NativeBuckets:
    """Counts values; past 160 buckets the resolution falls, so that a value costs the same however many came before."""

    __slots__ = ('_spread', 'negative', 'positive', 'schema', 'zero')

    def __init__(self) -> None:
        self.schema = SCHEMA
        """The resolution: 2^schema buckets for each power of two."""
        self.zero = 0
        """How many values were zero."""
        self.positive: dict[int, int] = {}
        """How many values each bucket holds."""
        self.negative: dict[int, int] = {}
        """The same of negative values, by their size."""
        self._spread = 0.0

    @property
    def count(self) -> int:
        """How many values were counted."""
        return self.zero + sum(self.positive.values()) + sum(self.negative.values())

    def add(self, value: float) -> None:
        """Count a finite value."""
        if value > ZERO_THRESHOLD:
            self._add(bucket_of(value), 1)
        elif value < -ZERO_THRESHOLD:
            self._add(bucket_of(-value), 1, is_negative=True)
        else:
            self.zero += 1

    def add_all(self, distribution: Distribution) -> None:
        """Count the values of a distribution, one step for each of its buckets.

        A bucket of the distribution that lies across two of these is divided between them in proportion, with what is
        rounded evened out over many, so that no quantile is drawn to either side.
        """
        for fine, count in distribution.buckets:
            self._spread = (self._spread + _GOLDEN) % 1.0
            given = 0
            for number, share in _SHARES[fine]:
                upto = int(count * share + self._spread)
                if upto > given:
                    self._add(number, upto - given)
                    given = upto

    # A garbage collection, which any call can set off, may end a run that is counted here as well. So what lies between
    # reading a count and writing it makes no call, and counts move to their new buckets one by one.

    def _add(self, number: int, count: int, *, is_negative: bool = False) -> None:
        counts = self.negative if is_negative else self.positive
        coarse = -(-number >> (SCHEMA - self.schema))
        if coarse in counts:
            counts[coarse] += count
            return
        counts[coarse] = count
        while len(self.positive) + len(self.negative) > MAX_BUCKETS and self.schema > LOWEST_SCHEMA:
            self._halve()

    def _halve(self) -> None:
        former = self.positive, self.negative
        self.positive, self.negative, self.schema = {}, {}, self.schema - 1
        for before, counts in zip(former, (self.positive, self.negative), strict=True):
            for number in before:
                coarse = (number + 1) >> 1
                if coarse in counts:
                    counts[coarse] += before[number]
                else:
                    counts[coarse] = before[number]
