"""Budgets: what a quantity may be at most, or must be at least."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from streamtap._report.quantities import BUDGETED

if TYPE_CHECKING:
    from streamtap._report.quantities import Quantity

_BUDGET = re.compile(r'\s*(\w+)(?:\.(\w+))?\s*([<>=!]+)\s*([^\s<>=!].*?)\s*', re.ASCII)

_QUANTILE = re.compile(r'p([1-9][0-9]?)', re.ASCII)

_NAMES = {quantity.name: quantity for quantity in BUDGETED}


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of a quantity.

    Args:
        text: The budget as it was written, with the usual blanks.
        quantity: What it limits.
        q: The quantile that is limited, as a share; `None` of a quantity that is a share.
        comparison: Whether the limit is the most, or the least.
        limit: The limit, in the quantity's unit.
    """

    text: str
    quantity: Quantity
    q: float | None
    comparison: Literal['<=', '>=']
    limit: float


def parse_budget(text: str) -> Budget:
    """The budget that a text says, such as `blank_screen.p95 <= 3s` or `failed <= 1%`.

    Args:
        text: The name of a quantity; unless it is a share, a dot and a percentile; a comparison; a value with its unit.

    Raises:
        ValueError: If it says none. The message says what to write.
    """
    if (found := _BUDGET.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is no budget: write one like 'blank_screen.p95 <= 3s' or 'failed <= 1%'")
    name, statistic, comparison, value = found.groups()
    quantity = _quantity(text, name)
    q = _quantile(text, quantity, statistic)
    expected = '<=' if quantity.better == 'lower' else '>='
    if comparison != expected:
        raise ValueError(f'{text!r}: {name} is the better the {quantity.better}: write {expected}, not {comparison}')
    limit = quantity.unit.value(value)
    if limit is None or (quantity.is_share and limit > 1):
        unit = quantity.unit
        raise ValueError(f'{text!r}: {name} is {unit.name}: write it like {unit.example}, not {value}')
    shown = name if statistic is None else f'{name}.{statistic}'
    return Budget(f'{shown} {comparison} {value}', quantity, q, expected, limit)


def _quantity(text: str, name: str) -> Quantity:
    if (found := _NAMES.get(name)) is not None:
        return found
    near = difflib.get_close_matches(name, _NAMES, n=2, cutoff=0.6)
    guess = f' Did you mean {" or ".join(near)}?' if near else ''
    raise ValueError(f'{text!r}: there is no quantity {name}.{guess} There are {", ".join(_NAMES)}')


def _quantile(text: str, quantity: Quantity, statistic: str | None) -> float | None:
    name = quantity.name
    if quantity.is_share:
        if statistic is not None:
            raise ValueError(f'{text!r}: {name} is a share, and has no {statistic}: write {name} alone')
        return None
    if statistic is None:
        raise ValueError(f'{text!r}: {name} has many values: write which percentile, such as {name}.p95')
    if (found := _QUANTILE.fullmatch(statistic)) is None:
        raise ValueError(f'{text!r}: {name} has no {statistic}: write a percentile from p1 to p99, such as {name}.p95')
    return int(found[1]) / 100
