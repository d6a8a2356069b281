"""Comparisons and periods as text."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from streamtap._base.safe_text import safe
from streamtap._display.exits import value_name
from streamtap._display.grid import Column, Grid
from streamtap._display.moments import moment
from streamtap._display.text import dollars, plural
from streamtap._report.compare import LEAST
from streamtap._report.owners import NAMED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._report.compare import Change, Least, Pair
    from streamtap._report.figures import Figures
    from streamtap._report.owners import Scope
    from streamtap._report.quantities import Quantity
    from streamtap._report.statistics import Estimate


_COUNTS = Column('n before', 1), Column('after', 1, name='n after')
_SHARE = Column('before'), Column('after'), Column('change'), Column('clear?', to_left=True)
_VALUE = (
    Column('p50 before'),
    Column('after'),
    Column('change'),
    Column('clear?', to_left=True),
    Column('p95 before', 2),
    Column('after', 2, name='p95 after'),
    Column('p95 change'),
    Column('clear?', name='p95 clear?', to_left=True),
)


def how_to_read(least: Least) -> str:
    """How a comparison finds its verdicts."""
    points = 'one point' if least.points == LEAST.points else f'{100 * least.points:g} points'
    return (
        'A change is called better or worse where the confidence intervals of before and after do not overlap, so that all '
        f'verdicts together are right with 95 % confidence, and where it is at least {100 * least.relative:g} %, '
        f'or {points} of a share; p95 is shown from 20 values on.'
    )


def period(gathered: Figures) -> str:
    """The period of the records, in UTC."""
    if gathered.first_ns is None or gathered.last_ns is None:
        return 'no records'
    first, last = moment(gathered.first_ns / 1e9), moment(gathered.last_ns / 1e9)
    same_day = first.date() == last.date()
    return f'{first:%Y-%m-%d %H:%M:%S} to {last:{"%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S"}} UTC'


def headline(gathered: Figures) -> str:
    """What the journals are, in one line."""
    total = gathered.summary.total
    cost = '' if total.cost_usd is None else f'{dollars(total.cost_usd)}, '
    return f'{safe(gathered.names)}: {plural(total.runs, "run")}, {cost}{period(gathered)}'


def unread_told(count: int) -> str:
    """That some lines or files could not be read, as a sentence.

    Args:
        count: How many.
    """
    what = (
        '1 line or file could not be read and is'
        if count == 1
        else f'{count:,} lines or files could not be read and are'
    )
    return f'{what} not included.'


def headings(gathered: Figures) -> list[str]:
    """What the journals are, and which runs of them are looked at if not all are, a line for each."""
    return [headline(gathered), *filter(None, [str(gathered.selection.choice)])]


def change_grids(changes: Sequence[Change]) -> list[Grid]:
    """A comparison as tables, one for each quantity; of rows of shares, but the total, those that are above 0% on a side."""
    grids: list[Grid] = []
    for quantity, group in itertools.groupby(changes, key=lambda change: change.quantity):
        if quantity.is_share:
            rows = [
                (*_counted(each), *_pair(each, each.typical)) for each in group if each.scope == 'all' or has_any(each)
            ]
            columns = _SHARE
        else:
            rows = [(*_counted(each), *_pair(each, each.typical), *_pair(each, each.high)) for each in group]
            columns = _VALUE
        name = 'share tables' if quantity.is_share else 'percentile tables'
        grids.append(Grid((Column(quantity.title), *_COUNTS, *columns), rows, name=name))
    return grids


def rows_left_out(changes: Sequence[Change]) -> list[str]:
    """What the tables of a comparison leave out, as a sentence; none if they have all.

    Args:
        changes: The comparison.
    """
    count = sum(each.quantity.is_share and each.scope != 'all' and not has_any(each) for each in changes)
    is_one = 'row that is' if count == 1 else 'rows that are'
    return [f'Share tables leave out {count:,} {is_one} 0% before and after.'] if count else []


def has_any(change: Change) -> bool:
    """Whether a share was above 0 on either side."""
    return any(each is not None and each.value > 0 for each in (change.typical.before, change.typical.after))


def _counted(change: Change) -> tuple[str, str, str]:
    return owner(change), f'{change.count_before:,}', f'{change.count_after:,}'


def owner(change: Change) -> str:
    """The agent, model, tool or value of a label that changed; `all` for the total."""
    return owner_named(change.scope, change.name)


def owner_named(scope: Scope, name: str) -> str:
    """A name to show of a scope; that of a label is before its value."""
    return safe(value_name(name) if scope in NAMED else f'{scope}={value_name(name)}')


def _pair(change: Change, pair: Pair) -> tuple[str, str, str, str]:
    if pair.before is None and pair.after is None:
        return '-', '-', '-', '-'
    quantity = change.quantity
    said = difference(quantity, pair), pair.verdict(quantity)
    return figure(quantity, pair.before), figure(quantity, pair.after), *said


def interval(quantity: Quantity, estimate: Estimate | None) -> str:
    """The confidence interval of a figure; `-` where there is none, or where the values were too few for both ends."""
    if estimate is None:
        return '-'
    low, high = (quantity.show(end) if math.isfinite(end) else None for end in (estimate.low, estimate.high))
    if low is None:
        return '-' if high is None else f'at most {high}'
    return f'at least {low}' if high is None else f'{low} to {high}'


def figure(quantity: Quantity, estimate: Estimate | None) -> str:
    """A figure, with its unit; `-` where the values were too few."""
    return quantity.show(None if estimate is None else estimate.value)


def difference(quantity: Quantity, pair: Pair) -> str:
    """A relative change, or the difference of two shares in points, with its sign; `-` where it is unknown."""
    change = pair.change(quantity)
    if change is None:
        return '-'
    said = f'{100 * change:+.1f} points' if quantity.is_share else f'{change:+.0%}'
    # A change of less than that has no sign.
    return said if any(digit in said for digit in '123456789') else said[1:]
