"""What a provider's cache saves, beside what genai-prices itself computes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from streamtap._upstream import cache_prices
from streamtap._upstream.cache_prices import worth_of_cached

if TYPE_CHECKING:
    from datetime import tzinfo

CACHED = 2_000
BELOW, ABOVE = 4_000, 300_000
"""Tokens of a prompt, below and above what tiers of prices begin with."""


def freeze(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let it be that time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
            return moment.astimezone(tz)

    monkeypatch.setattr(cache_prices, 'datetime', Clock)


def saved(provider: str, model: str, size: int, moment: datetime) -> float:
    """By how much a prompt is cheaper with those tokens from the cache; 0 where the cache is dearer."""

    def price(cached: int) -> float:
        usage = Usage(input_tokens=size, cache_read_tokens=cached, output_tokens=0)
        return float(calc_price(usage, model, provider_id=provider, genai_request_timestamp=moment).total_price)

    return max(0.0, price(0) - price(CACHED))


@pytest.mark.parametrize('size', [BELOW, ABOVE])
@pytest.mark.parametrize('hour', [3, 18])
def test_every_listed_model_has_the_worth_that_its_prices_say(hour: int, size: int, monkeypatch: pytest.MonkeyPatch):
    """By day and by night, where that makes a difference, in each tier."""
    moment = datetime(2026, 11, 30, hour, 30, tzinfo=timezone.utc)
    freeze(monkeypatch, moment)
    listed = [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]
    worth = {names: worth_of_cached(*names, input_tokens=size, cached=CACHED) for names in listed}
    known = {names: usd for names, usd in worth.items() if usd is not None}
    assert len(known) > 200
    assert known == {names: pytest.approx(saved(*names, size, moment), abs=1e-12) for names in known}


def test_it_depends_on_the_time_of_the_day_where_prices_do(monkeypatch: pytest.MonkeyPatch):
    """DeepSeek is cheaper at night."""
    worth: list[float | None] = []
    for hour in (3, 18):
        freeze(monkeypatch, datetime(2026, 11, 30, hour, 30, tzinfo=timezone.utc))
        worth.append(worth_of_cached('deepseek', 'deepseek-chat', input_tokens=BELOW, cached=CACHED))
    assert None not in worth
    assert worth[0] != worth[1]


def test_it_depends_on_the_size_of_the_prompt_where_prices_do():
    """Above 200,000 tokens all of them are dearer."""
    worth = [
        worth_of_cached('google', 'gemini-2.5-pro', input_tokens=size, cached=CACHED) for size in (200_000, 200_001)
    ]
    assert None not in worth
    assert worth[0] != worth[1]


@pytest.mark.parametrize(
    ('provider', 'model'), [('house', 'own'), ('openai', 'none-such'), ('', ''), ('openai', 'gpt-4')]
)
def test_without_a_price_for_both_there_is_none(provider: str, model: str):
    """Never 0, and never an error."""
    assert worth_of_cached(provider, model, input_tokens=BELOW, cached=CACHED) is None
