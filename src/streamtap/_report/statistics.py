"""Quantiles and shares of few or many values, with their confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_Z = 1.96
"""How many standard deviations around the mean hold 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of a sample, with its 95 % confidence interval.

    An end of the interval is infinite where the values are too few to determine it.
    """

    value: float
    low: float
    high: float


def quantile(values: Sequence[float], q: float) -> Estimate | None:
    """The quantile of some values, with an interval that assumes nothing about their distribution.

    The value is that of the nearest rank; the interval lies between two ranks, by the binomial distribution, which is
    approximated by a normal one.

    Args:
        values: The values, sorted.
        q: The quantile as a share, above 0 and below 1.

    Returns:
        The estimate; `None` without values. A 95th percentile of fewer than 20 values is their maximum.
    """
    count = len(values)
    if not count:
        return None
    spread = _Z * math.sqrt(count * q * (1 - q))
    # The continuity correction: ranks are whole numbers, and the normal distribution is continuous.
    low, high = math.floor(count * q - spread + 0.5), math.ceil(count * q + spread + 0.5)
    return Estimate(
        values[max(1, math.ceil(count * q - 1e-9)) - 1],
        values[low - 1] if low >= 1 else -math.inf,
        values[high - 1] if high <= count else math.inf,
    )


def share(values: Sequence[float]) -> Estimate | None:
    """The share of ones among zeros and ones, with Wilson's interval; `None` without values."""
    count = len(values)
    if not count:
        return None
    found = sum(values) / count
    scale = 1 + _Z**2 / count
    middle = (found + _Z**2 / (2 * count)) / scale
    spread = _Z / scale * math.sqrt(found * (1 - found) / count + _Z**2 / (4 * count**2))
    return Estimate(found, max(0.0, middle - spread), min(1.0, middle + spread))
