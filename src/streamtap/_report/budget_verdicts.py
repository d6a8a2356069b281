"""Whether budgets are kept: each by everybody together, or by each agent, model, tool or value of a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._report.owners import is_told_by
from streamtap._report.statistics import confidence_of, quantile, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._report.budgets import Budget
    from streamtap._report.owners import Scope
    from streamtap._report.samples import Samples
    from streamtap._report.statistics import Estimate

NOBODY = 'none'
"""Stands for the name where there was no agent, model, tool or value of a label at all."""

Kept: TypeAlias = Literal['met', 'missed', 'too few to tell', 'nothing to judge']


@dataclass(frozen=True, slots=True)
class BudgetVerdict:
    """A budget, and the figure that it limits; `estimate` is `None` where nothing was measured."""

    budget: Budget
    scope: Scope
    name: str
    count: int
    estimate: Estimate | None

    @property
    def verdict(self) -> Kept:
        """It is missed where the whole confidence interval is beyond the limit, and met where none of it is."""
        if self.estimate is None:
            return 'nothing to judge'
        low, high, limit = self.estimate.low, self.estimate.high, self.budget.limit
        if self.budget.comparison == '<=':
            return 'missed' if low > limit else 'met' if high <= limit else 'too few to tell'
        return 'missed' if high < limit else 'met' if low >= limit else 'too few to tell'


def judge(budgets: Sequence[Budget], samples: Samples, by: Sequence[Scope]) -> list[BudgetVerdict]:
    """A verdict for each budget and each of those that must keep it.

    All verdicts together are right with 95 % confidence, by Bonferroni's correction.

    Args:
        budgets: The budgets.
        samples: The values, in those scopes.
        by: The scopes, as of `owners_by`; a budget is judged in those that have its quantity.
    """
    found = [(budget, *owner) for budget in budgets for owner in _owners(budget, samples, by)]
    confidence = confidence_of(sum(samples.count(budget.quantity, *owner) > 0 for budget, *owner in found))
    return [_verdict(budget, samples, scope, name, confidence) for budget, scope, name in found]


def _owners(budget: Budget, samples: Samples, by: Sequence[Scope]) -> Iterator[tuple[Scope, str]]:
    for scope in by:
        if is_told_by(budget.quantity, scope):
            # What was never there is told, too.
            names = samples.names(budget.quantity, scope) or ['all' if scope == 'all' else NOBODY]
            yield from ((scope, name) for name in names)


def _verdict(budget: Budget, samples: Samples, scope: Scope, name: str, confidence: float) -> BudgetVerdict:
    sample = samples.sample(budget.quantity, scope, name)
    if budget.q is None:
        estimate = share(sample.values, runs=sample.runs, confidence=confidence)
    else:
        estimate = quantile(sample.values, budget.q, runs=sample.runs, confidence=confidence)
    return BudgetVerdict(budget, scope, name, len(sample.values), estimate)
