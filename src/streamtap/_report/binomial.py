"""The tails of the binomial distribution, also for numbers of trials that are no whole numbers."""

from __future__ import annotations

import math

_PRECISION = 1e-12
"""Where a continued fraction is good enough."""

_TINY = 1e-300
"""Stands for 0 where it would be divided by."""


def at_most(successes: float, trials: float, chance: float) -> float:
    """The probability of so many successes or fewer.

    Args:
        successes: How many.
        trials: Of how many.
        chance: The probability of each, as a share.
    """
    if successes >= trials:
        return 1.0
    return 0.0 if successes < 0 else _beta(trials - successes, successes + 1, 1 - chance)


def at_least(successes: float, trials: float, chance: float) -> float:
    """The probability of so many successes or more.

    Args:
        successes: How many.
        trials: Of how many.
        chance: The probability of each, as a share.
    """
    if successes <= 0:
        return 1.0
    return 0.0 if successes > trials else _beta(successes, trials - successes + 1, chance)


def _beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, which is such a tail."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a * _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction, by Lentz's method; it needs about as many steps as the square root of `a` or `b`."""
    upper, lower = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value, step, factor = lower, 0, 0.0
    while abs(factor - 1) > _PRECISION:
        step += 1
        for term in (
            step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step)),
            -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1)),
        ):
            lower = 1 / (1 + term * lower or _TINY)
            upper = 1 + term / upper or _TINY
            factor = upper * lower
            value *= factor
    return value
