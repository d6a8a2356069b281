"""Before and after: the same figures of two sets of runs, and whether they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._report.owners import NAMED
from streamtap._report.quantities import QUANTITIES
from streamtap._report.statistics import confidence_of, quantile, share

if TYPE_CHECKING:
    from streamtap._report.owners import Scope
    from streamtap._report.quantities import Quantity
    from streamtap._report.samples import Sample, Samples
    from streamtap._report.statistics import Estimate

Verdict: TypeAlias = Literal['better', 'worse', 'no clear change', 'too few to tell']


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest changes that are called one.

    Args:
        relative: That of times, costs and speeds, as a share of what was before. Default 0.05.
        points: That of shares, as a difference of them. Default 0.01, a percentage point.
    """

    relative: float = 0.05
    points: float = 0.01


LEAST = Least()
"""Those of a report that is not asked for others."""

NOTHING = 1e-12
"""No time, cost or speed that was measured is as small: what grew from it did not grow by a share of it."""

FEWEST = 20
"""How many values a 95th percentile needs: with fewer it would just be their maximum."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure before and after; `None` where the values were too few for it. `least` is the smallest change."""

    before: Estimate | None
    after: Estimate | None
    least: float

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
        if change is not None and abs(change) < self.least:
            return 'no clear change'
        if after.high < before.low:
            return 'better' if quantity.better == 'lower' else 'worse'
        if after.low > before.high:
            return 'worse' if quantity.better == 'lower' else 'better'
        ends = before.low, before.high, after.low, after.high
        return 'no clear change' if all(map(math.isfinite, ends)) else 'too few to tell'


@dataclass(frozen=True, slots=True)
class Change:
    """The change of a quantity, overall or of one agent, model, tool or value of a label.

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


def compare(before: Samples, after: Samples, least: Least = LEAST) -> list[Change]:
    """The change of every quantity that has values on either side; the overall one comes before those of its parts.

    All verdicts together are right with 95 % confidence: with eighty of them, each at 95 %, some would be wrong by chance.
    Source: Bonferroni's correction.

    Args:
        before: The values before.
        after: The values after.
        least: The smallest changes that are called one. Default: 5 %, and one percentage point of a share.
    """
    keys = sorted(
        (
            key
            for key in before.keys() | after.keys()
            if key[0] in QUANTITIES
            if before.count(*key) or after.count(*key)
        ),
        key=lambda key: (QUANTITIES.index(key[0]), _place(key[1]), key[1:]),
    )
    confidence = confidence_of(sum(1 if quantity.is_share else 2 for quantity, _, _ in keys))
    return [_change(*key, before.sample(*key), after.sample(*key), confidence, least) for key in keys]


def _place(scope: Scope) -> int:
    return NAMED.index(scope) if scope in NAMED else len(NAMED)


def _change(
    quantity: Quantity, scope: Scope, name: str, before: Sample, after: Sample, confidence: float, least: Least
) -> Change:
    def pair(q: float, fewest: int) -> Pair:
        return Pair(
            *(
                quantile(each.values, q, runs=each.runs, confidence=confidence) if len(each.values) >= fewest else None
                for each in (before, after)
            ),
            least=least.relative,
        )

    if quantity.is_share:
        shares = (share(each.values, runs=each.runs, confidence=confidence) for each in (before, after))
        typical, high = Pair(*shares, least=least.points), Pair(None, None, least.points)
    else:
        typical, high = pair(0.5, 1), pair(0.95, FEWEST)
    return Change(quantity, scope, name, len(before.values), len(after.values), typical, high)
