"""What a response cost: the user's own price, else pydantic-ai's list price, else unknown."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from streamtap._delivery.guard import guarded
from streamtap._records.records import ResponseRecord

if TYPE_CHECKING:
    from streamtap._delivery.guard import Failures

Price: TypeAlias = Callable[[ResponseRecord], float | None]
"""A user's own price: US dollars for a response, or `None` to leave it to pydantic-ai."""


class Pricing:
    """Adds the cost to a record with known usage.

    Args:
        price: The user's own price.
        out: Counts the failures of the price function.
    """

    def __init__(self, price: Price | None, out: Failures) -> None:
        self._price = price
        self._out = out

    def __call__(self, record: ResponseRecord) -> ResponseRecord:
        """The record with the user's price, if there is one; otherwise unchanged, with the list price if known."""
        if self._price is None:
            return record
        with guarded(self._out, 'price'):
            cost = self._price(record)
            if cost is None:
                return record
            dollars = float(cost)
            if not math.isfinite(dollars) or dollars < 0:
                raise ValueError(f'price() must return US dollars, at least 0, or None; it returned {cost!r}')
            return dataclasses.replace(record, cost_usd=dollars)
        return record
