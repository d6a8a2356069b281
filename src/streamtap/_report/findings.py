"""What the gate looks at: the verdicts of a comparison, or of budgets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from streamtap._display.grid import Column
from streamtap._report.gate import Finding, Gate
from streamtap._report.words import difference, figure, how_to_read, interval, owner_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._report.budget_verdicts import BudgetVerdict
    from streamtap._report.compare import Change, Least, Pair
    from streamtap._report.owners import Scope
    from streamtap._report.statistics import Estimate

_OF_CHANGES = (
    Column('verdict on'),
    Column('of', to_left=True),
    Column('n before', 1),
    Column('after', 1, name='n after'),
    Column('before'),
    Column('interval', 2, name='interval before'),
    Column('after'),
    Column('interval', 2, name='interval after'),
    Column('change'),
    Column('verdict', to_left=True),
)

_OF_BUDGETS = (
    Column('budget'),
    Column('of', to_left=True),
    Column('n', 1),
    Column('figure'),
    Column('interval', 2),
    Column('verdict', to_left=True),
)

_BUDGETS = (
    'The intervals are such that all verdicts together are right with 95 % confidence; a budget is missed where its whole '
    'interval is beyond the limit, and met where none of it is.'
)


def gate_of_changes(changes: Sequence[Change], least: Least, *, strict: bool) -> Gate:
    """The gate of a comparison.

    Args:
        changes: What changed.
        least: The smallest changes that are called one.
        strict: Whether what cannot be told does not pass.
    """
    findings = [finding for change in changes for finding in _of_change(change)]
    return Gate(_OF_CHANGES, findings, how_to_read(least), strict)


def gate_of_budgets(verdicts: Sequence[BudgetVerdict], *, strict: bool) -> Gate:
    """The gate of budgets.

    Args:
        verdicts: Whether they are kept.
        strict: Whether what cannot be told does not pass.
    """
    return Gate(_OF_BUDGETS, list(map(_of_budget, verdicts)), _BUDGETS, strict)


def _of_change(change: Change) -> Iterator[Finding]:
    pairs = {'share': change.typical} if change.quantity.is_share else {'p50': change.typical, 'p95': change.high}
    for statistic, pair in pairs.items():
        yield _of_pair(change, statistic, pair)


def _of_pair(change: Change, statistic: str, pair: Pair) -> Finding:
    quantity = change.quantity
    what = quantity.title if quantity.is_share else f'{quantity.title}, {statistic}'
    whose = owner_named(change.scope, change.name)
    before, after = (figure(quantity, each) for each in (pair.before, pair.after))
    changed, verdict = difference(quantity, pair), pair.verdict(quantity)
    cells = (
        what,
        whose,
        f'{change.count_before:,}',
        f'{change.count_after:,}',
        before,
        interval(quantity, pair.before),
        after,
        interval(quantity, pair.after),
        changed,
        verdict,
    )
    data = {
        'quantity': quantity.name,
        'statistic': statistic,
        **_owner(change.scope, change.name),
        'n_before': change.count_before,
        'n_after': change.count_after,
        **_ends('before', pair.before),
        **_ends('after', pair.after),
        'change': pair.change(quantity),
        'verdict': verdict,
    }
    return Finding(what, whose, f'{before} before, {after} after, {changed}', cells, data, verdict)


def _of_budget(found: BudgetVerdict) -> Finding:
    budget, quantity = found.budget, found.budget.quantity
    whose, value = owner_named(found.scope, found.name), figure(quantity, found.estimate)
    ends = interval(quantity, found.estimate)
    data = {
        'budget': budget.text,
        'quantity': quantity.name,
        'limit': budget.limit,
        **_owner(found.scope, found.name),
        'n': found.count,
        **_ends('value', found.estimate),
        'verdict': found.verdict,
    }
    cells = budget.text, whose, f'{found.count:,}', value, ends, found.verdict
    said = 'it was never measured' if found.estimate is None else value if ends == '-' else f'{value} ({ends})'
    return Finding(budget.text, whose, said, cells, data, found.verdict)


def _owner(scope: Scope, name: str) -> dict[str, object]:
    return {'scope': scope, 'name': '' if scope == 'all' else name}


def _ends(name: str, estimate: Estimate | None) -> dict[str, object]:
    value, low, high = (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)
    return {
        name: value,
        f'{name}_low': None if low is None or not math.isfinite(low) else low,
        f'{name}_high': None if high is None or not math.isfinite(high) else high,
    }
