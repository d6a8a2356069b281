"""Quantiles and shares of few or many values, with their confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
"""The confidence of an interval that stands alone."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a sample, with its confidence interval.

    An end of the interval is infinite where the values are too few to determine it.
    """

    value: float
    low: float
    high: float


def spread_of(confidence: float) -> float:
    """How many standard deviations around the mean hold such a share of a normal distribution."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def quantile(values: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Estimate | None:
    """The quantile of some values, with an interval that assumes nothing about their distribution.

    The value is that of the nearest rank; the interval lies between two ranks, by the binomial distribution, which is
    approximated by a normal one.

    Args:
        values: The values, sorted.
        q: The quantile as a share, above 0 and below 1.
        confidence: That of the interval, as a share. Default 0.95.

    Returns:
        The estimate; `None` without values. A 95th percentile of fewer than 20 values is their maximum.
    """
    count = len(values)
    if not count:
        return None
    spread = spread_of(confidence) * math.sqrt(count * q * (1 - q))
    # The continuity correction: ranks are whole numbers, and the normal distribution is continuous.
    low, high = math.floor(count * q - spread + 0.5), math.ceil(count * q + spread + 0.5)
    return Estimate(
        values[max(1, math.ceil(count * q - 1e-9)) - 1],
        values[low - 1] if low >= 1 else -math.inf,
        values[high - 1] if high <= count else math.inf,
    )


def share(values: Sequence[float], *, confidence: float = CONFIDENCE) -> Estimate | None:
    """The share of ones among zeros and ones, with Wilson's interval; `None` without values.

    Args:
        values: The zeros and ones.
        confidence: That of the interval, as a share. Default 0.95.
    """
    count = len(values)
    if not count:
        return None
    found, z = sum(values) / count, spread_of(confidence)
    scale = 1 + z**2 / count
    middle = (found + z**2 / (2 * count)) / scale
    spread = z / scale * math.sqrt(found * (1 - found) / count + z**2 / (4 * count**2))
    # Without a one, or without a zero, the formula ends there exactly, but for rounding.
    low, high = (middle - spread if found else 0.0), (middle + spread if found < 1 else 1.0)
    return Estimate(found, max(0.0, low), min(1.0, high))
