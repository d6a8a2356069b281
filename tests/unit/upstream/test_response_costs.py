"""What a response cost, and who says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.usage import RequestUsage

from streamtap._upstream.response_costs import Cost, cost_of
from support.pydantic_ai_features import needs

USAGE: dict[str, Any] = {'input_tokens': 1000, 'output_tokens': 100}
LISTED = 0.00056
"""The list price of that usage, in US dollars."""

OPENAI, GATEWAY = 'https://api.openai.com/v1/', 'https://gateway.example.com/proxy/openai'


def answered(usage: dict[str, Any] | None = None, model: str = 'gpt-4.1-mini', **fields: Any) -> ModelResponse:
    """A response of a model with a list price."""
    found = RequestUsage(**(USAGE if usage is None else usage))
    return ModelResponse(parts=[TextPart('hi')], usage=found, model_name=model, provider_name='openai', **fields)


@pytest.mark.parametrize(
    ('details', 'usd'),
    [
        ({'cost': 0.0123, 'is_byok': False}, 0.0123),
        ({'cost': 0.0123}, 0.0123),
        ({'cost': 0.0123, 'is_byok': False, 'upstream_inference_cost': 0.0120}, 0.0123),
        ({'is_byok': False}, 0.0),
        ({'is_byok': False, 'upstream_inference_prompt_cost': 0, 'upstream_inference_cost': None}, 0.0),
        ({'cost': 0.001, 'is_byok': True, 'upstream_inference_cost': 0.02}, 0.021),
        ({'is_byok': True, 'upstream_inference_cost': 0.02}, 0.02),
    ],
)
def test_what_openrouter_charged_comes_before_the_list_price(details: dict[str, Any], usd: float):
    """With what another provider charged to a key of the user's own; pydantic-ai leaves a cost of 0 out."""
    assert cost_of(answered(provider_details=details)) == Cost(pytest.approx(usd), 'provider')  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    'details',
    [
        None,
        {},
        {'cost': float('nan')},
        {'cost': -1},
        {'cost': 'a lot'},
        {'cost': {'total_cost': 1}},
        {'is_byok': True, 'cost': 0.001},
        {'is_byok': False, 'upstream_inference_prompt_cost': 0.2},
    ],
)
def test_a_charge_that_is_not_said_leaves_the_list_price(details: dict[str, Any] | None):
    """Not what makes no sense, nor a fee without what was charged besides."""
    assert cost_of(answered(provider_details=details)) == Cost(pytest.approx(LISTED), 'list')  # pyright: ignore[reportArgumentType]


@needs('usage_costs')
@pytest.mark.parametrize(
    ('url', 'usd', 'source'),
    [
        (OPENAI, '0.00056', 'list'),
        (GATEWAY, '0.00056', 'list'),
        (None, '0.00056', 'list'),
        (GATEWAY, '0.0003', 'provider'),
        (GATEWAY, '0', 'provider'),
        (OPENAI, '0.0007', 'list'),
    ],
)
def test_a_gateway_says_what_it_charged_in_the_usage(url: str | None, usd: str, source: str):
    """Where pydantic-ai fills in the list price otherwise, for each part of a turn that a provider paused."""
    found = cost_of(answered({**USAGE, 'cost': Decimal(usd)}, provider_url=url))
    assert found == Cost(float(usd), source)  # pyright: ignore[reportArgumentType]


def test_a_model_that_nobody_priced_has_no_cost():
    """Never 0."""
    assert cost_of(answered(model='made-at-home')) is None
