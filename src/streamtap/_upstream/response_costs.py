"""What a response cost: what its provider says it charged, else pydantic-ai's list price, else unknown."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, NamedTuple

from genai_prices.data_snapshot import get_snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_ai.messages import ModelResponse

MAX_DOLLARS = 1e9
"""A price of one response above this is invalid, as is one below 0."""


class Cost(NamedTuple):
    """US dollars, and who says so."""

    usd: float
    source: Literal['provider', 'list']


def cost_of(response: ModelResponse) -> Cost | None:
    """What a response cost.

    Args:
        response: The response, complete or as far as it came.
    """
    charged = _charged(getattr(response, 'provider_details', None) or {})
    if charged is not None:
        return Cost(charged, 'provider')
    known = getattr(response.usage, 'cost', None)
    if known is None:
        known, source = _list_price(response), 'list'
    else:
        source = 'list' if _is_list_price(response, known) else 'provider'
    usd = dollars(known)
    return None if usd is None else Cost(usd, source)


def dollars(price: object) -> float | None:
    """The price, or `None` if it is not a plausible amount: a single NaN would make every sum NaN for ever."""
    try:
        usd = float(price)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return usd if 0 <= usd <= MAX_DOLLARS else None


def _charged(details: Mapping[str, object]) -> float | None:
    """What OpenRouter says it charged, with what it had others charge to a key of the user's own (`is_byok`)."""
    upstream = dollars(details.get('upstream_inference_cost'))
    if details.get('is_byok') is True:
        return None if upstream is None else (dollars(details.get('cost')) or 0.0) + upstream
    if 'cost' in details:
        return dollars(details['cost'])
    # pydantic-ai leaves a cost of 0 out, and keeps what comes with it.
    parts = (upstream, *(dollars(details.get(f'upstream_inference_{part}_cost')) for part in ('prompt', 'completions')))
    return 0.0 if details.get('is_byok') is False and not any(parts) else None


def _list_price(response: ModelResponse) -> object:
    try:
        return response.cost().total_price
    except Exception:
        # Not listed, or the list itself failed, of which pydantic-ai warns: that must not take the tokens along.
        return None


def _is_list_price(response: ModelResponse, known: object) -> bool:
    """Whether the cost in a response's usage is what pydantic-ai filled in, rather than what a gateway charged.

    Requests that were continued as one response are priced one by one: their sum need not be the price of the whole.
    """
    return _has_price_list(getattr(response, 'provider_url', None)) or _list_price(response) == known


@functools.lru_cache(maxsize=64)
def _has_price_list(url: str | None) -> bool:
    """Whether the URL is that of a provider with prices of its own, and so not that of a gateway."""
    if url is None:
        return False
    try:
        get_snapshot().find_provider(None, None, url)
    except LookupError:
        return False
    return True
