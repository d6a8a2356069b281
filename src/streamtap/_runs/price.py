"""What a response cost: the user's own price first, then what its provider says it charged, then the list price."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from streamtap._delivery.guard import guarded
from streamtap._records.records import ResponseRecord
from streamtap._upstream.model_responses import ModelResponse
from streamtap._upstream.response_costs import MAX_DOLLARS, dollars

if TYPE_CHECKING:
    from streamtap._delivery.guard import Failures

Price: TypeAlias = Callable[[ResponseRecord, ModelResponse], float | None]
"""A user's own price: US dollars for a response, or `None` to leave its cost as it is."""


class Pricing:
    """Adds the cost to a record with known usage.

    Args:
        price: The user's own price.
        out: Counts the failures of the price function.
    """

    def __init__(self, price: Price | None, out: Failures) -> None:
        self._price = price
        self._out = out

    def __call__(self, record: ResponseRecord, response: ModelResponse | None) -> ResponseRecord:
        """The record with the user's price, if there is one; otherwise unchanged.

        Args:
            record: A record, with the cost that its provider or the list of prices says.
            response: What pydantic-ai has of the response; `None` if none came.
        """
        if self._price is None or response is None or not record.usage_reported:
            return record
        with guarded(self._out, 'price'):
            cost = self._price(record, response)
            if cost is None:
                return record
            if (usd := dollars(cost)) is None:
                # Not the value itself, whose own text could be anything, or fail.
                raise ValueError(
                    f'price() must return US dollars, from 0 to {MAX_DOLLARS:g}, or None, not this {type(cost).__name__}'
                )
            return dataclasses.replace(record, cost_usd=usd, cost_source='price')
        return record
