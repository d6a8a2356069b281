"""The main figures of agents, models, tools, versions or values of a label, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.exits import short_name, value_name
from streamtap._display.grid import Column
from streamtap._display.side_by_side import SideBySide
from streamtap._report.compare import FEWEST
from streamtap._report.owners import VERSION, is_told_by
from streamtap._report.quantities import BUDGETED, FAILED_REQUESTS, FAILED_TOOLS, NESTED_RUNS, RUNS
from streamtap._report.statistics import nearest_rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streamtap._display.grid import Grid
    from streamtap._report.owners import Scope
    from streamtap._report.quantities import Quantity
    from streamtap._report.samples import Samples

MOST_VALUES = 12
"""How many values a table has beside each other: those with the most runs, requests or tool calls."""

_COUNTED = (('runs', RUNS), ('nested runs', NESTED_RUNS), ('requests', FAILED_REQUESTS), ('tool calls', FAILED_TOOLS))
"""What is counted, and a quantity that each of it has."""

HOW_TO_READ = (
    'These are the figures as they were: whether a difference is more than chance, a comparison of two journals says. '
    f'p95 is shown from {FEWEST} values on.'
)


@dataclass(frozen=True, slots=True)
class ValueFigures:
    """One quantity of one value: the share if it is one, else the percentiles; `None` where there is none.

    Of what is only counted, the runs and the nested runs, there is the count.
    """

    scope: Scope
    name: str
    quantity: Quantity
    count: int
    share: float | None = None
    p50: float | None = None
    p95: float | None = None

    @property
    def data(self) -> Mapping[str, object]:
        """As the fields of an object."""
        return {
            'scope': self.scope,
            'name': self.name,
            'quantity': self.quantity.title,
            'n': self.count,
            'share': self.share,
            'p50': self.p50,
            'p95': self.p95,
        }


def by_value(samples: Samples, by: Sequence[Scope]) -> list[ValueFigures]:
    """Each quantity of each value that has some.

    Args:
        samples: The values of quantities, in these scopes.
        by: The scopes.
    """
    return [
        _figures(samples, scope, name, quantity)
        for scope in by
        for name in _names(samples, scope)
        for quantity in (RUNS, NESTED_RUNS, *BUDGETED)
        if is_told_by(quantity, scope) and (quantity is RUNS or samples.count(quantity, scope, name))
    ]


def value_grids(samples: Samples, by: Sequence[Scope]) -> Iterator[Grid]:
    """A table for each scope: a row for each figure, and a column for each value.

    Args:
        samples: The values of quantities, in these scopes.
        by: The scopes.
    """
    for scope in by:
        shown = _shown(samples, scope)
        columns = (Column(scope), *(Column(short_name(value_name(name))) for name in shown))
        yield SideBySide(columns, list(_rows(samples, scope, shown)), name=scope)


def not_shown(samples: Samples, by: Sequence[Scope]) -> Iterator[str]:
    """What the tables leave out, a sentence for each."""
    for scope in by:
        if (more := len(_names(samples, scope)) - MOST_VALUES) > 0:
            yield f'By {scope}: {more:,} more {"is" if more == 1 else "are"} not shown, of fewer runs or calls each: JSON and CSV have {"it" if more == 1 else "them"}.'


def _figures(samples: Samples, scope: Scope, name: str, quantity: Quantity) -> ValueFigures:
    values = sorted(samples.values(quantity, scope, name))
    count = len(values)
    if quantity in (RUNS, NESTED_RUNS):
        return ValueFigures(scope, name, quantity, count)
    if quantity.is_share:
        return ValueFigures(scope, name, quantity, count, share=sum(values) / count if count else None)
    p50 = nearest_rank(values, 0.5) if count else None
    p95 = nearest_rank(values, 0.95) if count >= FEWEST else None
    return ValueFigures(scope, name, quantity, count, p50=p50, p95=p95)


def _names(samples: Samples, scope: Scope) -> Sequence[str]:
    """The values of a scope: versions in the order in which they were first seen, others by name."""
    found = [
        name for quantity, of, name in samples.order() if of == scope and quantity in (each for _, each in _COUNTED)
    ]
    names = list(dict.fromkeys(found))
    return names if scope == VERSION else sorted(names)


def _shown(samples: Samples, scope: Scope) -> Sequence[str]:
    names = _names(samples, scope)
    most = sorted(names, key=lambda name: -max(samples.count(each, scope, name) for _, each in _COUNTED))[:MOST_VALUES]
    return [name for name in names if name in most]


def _rows(samples: Samples, scope: Scope, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for what, quantity in _COUNTED:
        counts = [samples.count(quantity, scope, name) for name in names]
        if is_told_by(quantity, scope) and (any(counts) or quantity is not NESTED_RUNS):
            yield what, *(f'{count:,}' for count in counts)
    for quantity in BUDGETED:
        if not is_told_by(quantity, scope):
            continue
        found = [_figures(samples, scope, name, quantity) for name in names]
        title = quantity.name.replace('_', ' ')
        rows = (
            [(title, [each.share for each in found])]
            if quantity.is_share
            else [(f'{title} p50', [each.p50 for each in found]), (f'{title} p95', [each.p95 for each in found])]
        )
        for heading, values in rows:
            if any(value is not None for value in values):
                yield heading, *map(quantity.show, values)
