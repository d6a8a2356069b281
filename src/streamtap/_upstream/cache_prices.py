"""What a provider's cache saves, at pydantic-ai's list prices."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from genai_prices.data_snapshot import get_snapshot

from streamtap._upstream.reading import read
from streamtap._upstream.response_costs import dollars

if TYPE_CHECKING:
    from typing import Protocol

    class _Tier(Protocol):
        start: int
        price: object


PER = 1e6
"""For how many tokens a price is."""


def worth_of_cached(provider: str, model: str, *, input_tokens: int, cached: int) -> float | None:
    """How much less tokens cost that are read from the cache, in US dollars; `None` if the model has no price for both.

    Args:
        provider: The provider's name.
        model: The model's name.
        input_tokens: All tokens of the prompt, which decide on the tier of the price.
        cached: How many tokens are read from the cache.
    """
    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, None)
        prices = found.get_prices(datetime.now(timezone.utc))
    except Exception:
        # Not listed, or the list failed.
        return None
    per_token = _price_at(read(prices, 'input_mtok'), input_tokens)
    cached_per_token = _price_at(read(prices, 'cache_read_mtok'), input_tokens)
    if per_token is None or cached_per_token is None:
        return None
    return max(0.0, per_token - cached_per_token) * cached / PER


def _price_at(price: object, input_tokens: int) -> float | None:
    """A price as it is for a prompt of that size: above the start of a tier, the tier's for all of its tokens."""
    tiers: list[_Tier] = getattr(price, 'tiers', None) or []
    for tier in tiers:
        if input_tokens > tier.start:
            price = tier.price
    return dollars(read(price, 'base', price))
