"""How far a quantile that is read off a histogram is from the true one, for every plausible value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from streamtap._sinks.metrics.catalogue import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

NORMAL = NormalDist()

PLAUSIBLE: dict[str, tuple[str, float, float]] = {
    'D': ('seconds of a request or a tool', 0.2, 30.0),
    'R': ('seconds of a run, its blank screen', 0.2, 120.0),
    'I': ('seconds between two chunks', 0.003, 0.5),
    'S': ('tokens per second', 5.0, 300.0),
    'T': ('tokens', 500.0, 64000.0),
    'C': ('US dollars of a run', 0.0002, 0.5),
}
"""By the letter of the bounds: what they are of, and between which values people see it. `N` counts are few whole numbers."""

WIDTHS = (0.25, 0.4, 0.6, 0.9)
"""Standard deviations of the logarithm: from very regular to very mixed."""

QUANTILES = (0.5, 0.9, 0.95, 0.99)

STEPS = 80

SCHEMA = 4
"""The resolution of native histograms: each bound is 2 ** (2 ** -4) times the one below."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Errors, as shares of the true value: the median, the 90th percentile and the worst."""

    median: float
    high: float
    worst: float


def classic(letter: str) -> Spread:
    """The errors of the bounds of that letter."""
    return _errors(BUCKETS[letter], letter, is_exponential=False)


def native(letter: str) -> Spread:
    """The errors of native histograms for the same values."""
    _, low, high = PLAUSIBLE[letter]
    step = 2.0 ** (2.0**-SCHEMA)
    first, last = math.floor(math.log(low / 100, step)), math.ceil(math.log(high * 100, step))
    return _errors([step**number for number in range(first, last)], letter, is_exponential=True)


def _errors(bounds: Sequence[float], letter: str, *, is_exponential: bool) -> Spread:
    _, low, high = PLAUSIBLE[letter]
    errors: list[float] = []
    for number in range(STEPS + 1):
        middle = low * (high / low) ** (number / STEPS)
        for width in WIDTHS:
            for q in QUANTILES:
                true = middle * math.exp(width * NORMAL.inv_cdf(q))
                if low <= true <= high:
                    errors.append(abs(_shown(bounds, middle, width, q, is_exponential=is_exponential) / true - 1))
    errors.sort()
    return Spread(errors[len(errors) // 2], errors[math.ceil(0.9 * len(errors)) - 1], errors[-1])


def _shown(bounds: Sequence[float], middle: float, width: float, q: float, *, is_exponential: bool) -> float:
    """What `histogram_quantile` gives for very many log-normal values.

    Source: Prometheus interpolates linearly inside a classic bucket, and exponentially inside a native one.
    """
    below, lower = 0.0, 0.0
    for bound in bounds:
        share = NORMAL.cdf(math.log(bound / middle) / width)
        if share >= q:
            part = (q - below) / (share - below)
            if is_exponential and lower:
                return lower * (bound / lower) ** part
            return lower + (bound - lower) * part
        below, lower = share, bound
    return bounds[-1]


def table() -> list[str]:
    """The errors of every kind of value, as lines of Markdown."""
    lines = [
        '| values | between | bounds | classic: median, 90th percentile, worst | native |',
        '|---|---|---|---|---|',
    ]
    for letter, (what, low, high) in PLAUSIBLE.items():
        cells = (
            what,
            f'{low:g} and {high:g}',
            str(len(BUCKETS[letter])),
            _cell(classic(letter)),
            _cell(native(letter)),
        )
        lines.append(f'| {" | ".join(cells)} |')
    return lines


def _cell(spread: Spread) -> str:
    return f'{spread.median:.1%}, {spread.high:.1%}, {spread.worst:.1%}'
