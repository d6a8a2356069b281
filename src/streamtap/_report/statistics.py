"""Quantiles and shares of few or many values, with their confidence intervals."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from streamtap._report.binomial import at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONFIDENCE = 0.95
"""The confidence of an interval that stands alone."""

_HALVINGS = 30
"""How often the end of a share's interval is looked for more closely: to nine digits."""


def confidence_of(verdicts: int) -> float:
    """The confidence that each of so many verdicts needs, as a share, so that all together are right with 95 %."""
    return 1 - (1 - CONFIDENCE) / max(1, verdicts)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a sample, with its confidence interval.

    An end of the interval is infinite where the values are too few to determine it.
    """

    value: float
    low: float
    high: float


def nearest_rank(values: Sequence[float], q: float) -> float:
    """The quantile of some values by the nearest rank: it is one of them.

    Args:
        values: The values, sorted; at least one.
        q: The quantile as a share.
    """
    return values[max(1, math.ceil(len(values) * q - 1e-9)) - 1]


def quantile(
    values: Sequence[float], q: float, *, runs: Sequence[int] | None = None, confidence: float = CONFIDENCE
) -> Estimate | None:
    """The quantile of some values, with an interval that assumes nothing about their distribution.

    The value is that of the nearest rank; the interval lies between two ranks, by the binomial distribution.

    Args:
        values: The values, sorted.
        q: The quantile as a share, above 0 and below 1.
        runs: The run of each value, as a number: values of one run may be alike. By default each is independent.
        confidence: That of the interval, as a share. Default 0.95.

    Returns:
        The estimate; `None` without values. A 95th percentile of fewer than 20 values is their maximum.
    """
    count = len(values)
    if not count:
        return None
    value = nearest_rank(values, q)
    tail = (1 - confidence) / 2
    worth = count if runs is None else _worth(runs[: bisect_right(values, value)], runs, tail)

    def is_above(rank: int) -> bool:
        return at_most((rank - 1) * worth / count, worth, q) > tail

    def is_beyond(rank: int) -> bool:
        return at_least(min(rank * worth / count, worth), worth, q) <= tail

    low, high = _first(count, is_above) - 1, _first(count, is_beyond)
    return Estimate(value, values[low - 1] if low else -math.inf, values[high - 1] if high <= count else math.inf)


def share(
    values: Sequence[float], *, runs: Sequence[int] | None = None, confidence: float = CONFIDENCE
) -> Estimate | None:
    """The share of ones among zeros and ones, with the interval of Clopper and Pearson; `None` without values.

    Args:
        values: The zeros and ones.
        runs: The run of each, as of `quantile`.
        confidence: That of the interval, as a share. Default 0.95.
    """
    count = len(values)
    if not count:
        return None
    found = sum(values) / count
    tail = (1 - confidence) / 2
    ones = [] if runs is None else [run for run, value in zip(runs, values, strict=True) if value]
    worth = count if runs is None else _worth(ones, runs, tail)
    low = _crossing(lambda chance: at_least(found * worth, worth, chance) > tail) if found else 0.0
    high = _crossing(lambda chance: at_most(found * worth, worth, chance) <= tail) if found < 1 else 1.0
    return Estimate(found, low, high)


def _worth(hits: Sequence[int], runs: Sequence[int], tail: float) -> float:
    """How many independent values as many of some runs are worth, by how much more alike those of one run are.

    Source: the design effect of samples that are drawn in clusters, Woodruff's intervals of their quantiles, and the
    correction for few clusters by Korn and Graubard.

    Args:
        hits: The runs of those values that are at most the quantile, or that are ones.
        runs: The runs of all values.
        tail: The probability beyond each end of the interval.
    """
    count, sizes, found = len(runs), Counter(runs), Counter(hits)
    if len(sizes) == count or (not hits and len(sizes) > 1):
        return count  # Of none there is nothing that could be alike.
    if len(sizes) == 1 or len(hits) == count:
        return count**2 / sum(size**2 for size in sizes.values())  # Nothing tells: each run counts once.
    expected, freedom = len(hits) / count, len(sizes) - 1
    spread = sum((found[run] - expected * size) ** 2 for run, size in sizes.items()) * len(sizes) / freedom
    independent = count * expected * (1 - expected)
    return count * min(1.0, independent / spread if spread else 1.0) * _certainty(tail, freedom)


def _certainty(tail: float, freedom: int) -> float:
    """What a sample is worth less because its spread is known from few runs: the square of a normal quantile by Student's.

    Source: the first terms of the expansion by Cornish and Fisher.
    """
    z = NormalDist().inv_cdf(1 - tail)
    return 1 / (1 + (z**2 + 1) / (4 * freedom) + (5 * z**4 + 16 * z**2 + 3) / (96 * freedom**2)) ** 2


def _first(count: int, is_so: Callable[[int], bool]) -> int:
    """The first rank from 1 on of which something is so, if it is so of all that follow; `count + 1` if of none."""
    return bisect_left(range(1, count + 1), True, key=is_so) + 1  # noqa: FBT003 - what is looked for


def _crossing(is_so: Callable[[float], bool]) -> float:
    """Where from 0 to 1 something begins to be so."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_so(middle) else (middle, high)
    return (low + high) / 2
