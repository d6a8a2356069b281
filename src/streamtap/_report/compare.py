"""Before and after: the same figures of two sets of runs, and whether they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._report.quantities import QUANTITIES
from streamtap._report.statistics import CONFIDENCE, quantile, share

if TYPE_CHECKING:
    from streamtap._report.quantities import Quantity, Scope
    from streamtap._report.samples import Samples
    from streamtap._report.statistics import Estimate

Verdict: TypeAlias = Literal['better', 'worse', 'no clear change', 'too few to tell']

LEAST = 0.05
"""The smallest relative change that is called one."""

LEAST_OF_SHARES = 0.01
"""The smallest difference of two shares that is called one: a percentage point."""

NOTHING = 1e-12
"""No time, cost or speed that was measured is as small: what grew from it did not grow by a share of it."""

FEWEST = 20
"""How many values a 95th percentile needs: with fewer it would just be their maximum."""

_SCOPES: tuple[Scope, ...] = ('all', 'agent', 'model', 'tool')


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure before and after; `None` where the values were too few for it."""

    before: Estimate | None
    after: Estimate | None

    def change(self, quantity: Quantity) -> float | None:
        """The relative change, or the difference of two shares; `None` where a figure is missing, or is nothing before."""
        if self.before is None or self.after is None:
            return None
        if quantity.is_share:
            return self.after.value - self.before.value
        return self.after.value / self.before.value - 1 if self.before.value > NOTHING else None

    def verdict(self, quantity: Quantity) -> Verdict:
        """Whether it is better or worse: where the two confidence intervals do not overlap, and the change is not tiny."""
        before, after = self.before, self.after
        if before is None or after is None:
            return 'too few to tell'
        change = self.change(quantity)
        if change is not None and abs(change) < (LEAST_OF_SHARES if quantity.is_share else LEAST):
            return 'no clear change'
        if after.high < before.low:
            return 'better' if quantity.better == 'lower' else 'worse'
        if after.low > before.high:
            return 'worse' if quantity.better == 'lower' else 'better'
        ends = before.low, before.high, after.low, after.high
        return 'no clear change' if all(map(math.isfinite, ends)) else 'too few to tell'


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a quantity, overall or of one agent, model or tool.

    `typical` is its median, or the share if the quantity is one; `high` is its 95th percentile, which a share lacks.
    """

    quantity: Quantity
    scope: Scope
    name: str
    count_before: int
    count_after: int
    typical: Pair
    high: Pair

    @property
    def verdict(self) -> Verdict:
        """The verdict on the median, or on the share."""
        return self.typical.verdict(self.quantity)

    @property
    def high_verdict(self) -> Verdict:
        """The verdict on the 95th percentile."""
        return self.high.verdict(self.quantity)


def compare(before: Samples, after: Samples) -> list[Change]:
    """The change of every quantity that has values on either side; the overall one comes before those of its parts.

    All verdicts together are right with 95 % confidence: with eighty of them, each at 95 %, some would be wrong by chance.
    Source: Bonferroni's correction.

    Args:
        before: The values before.
        after: The values after.
    """
    keys = sorted(
        before.keys() | after.keys(), key=lambda key: (QUANTITIES.index(key[0]), _SCOPES.index(key[1]), key[2])
    )
    verdicts = sum(1 if quantity.is_share else 2 for quantity, _, _ in keys)
    confidence = 1 - (1 - CONFIDENCE) / max(1, verdicts)
    return [_change(before, after, *key, confidence=confidence) for key in keys]


def _change(
    before: Samples, after: Samples, quantity: Quantity, scope: Scope, name: str, *, confidence: float
) -> Change:
    old, new = (sorted(each.values(quantity, scope, name)) for each in (before, after))
    if quantity.is_share:
        typical = Pair(share(old, confidence=confidence), share(new, confidence=confidence))
        high = Pair(None, None)
    else:
        typical = Pair(quantile(old, 0.5, confidence=confidence), quantile(new, 0.5, confidence=confidence))
        high = Pair(
            *(quantile(values, 0.95, confidence=confidence) if len(values) >= FEWEST else None for values in (old, new))
        )
    return Change(quantity, scope, name, len(old), len(new), typical, high)
