"""How much a model can hold, and where pydantic-ai says how large a prompt was."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices.data_snapshot import get_snapshot
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from streamtap._upstream.context_windows import MAX_TOKENS, listed_window, own_window, prompt_tokens


def _reply(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    return ModelResponse(parts=[TextPart('hi')])


def test_every_model_that_prices_find_has_the_window_of_the_list():
    """By the same search as that of prices."""
    snapshot = get_snapshot()
    wrong: dict[tuple[str, str], int | None] = {}
    found = 0
    for provider in snapshot.providers:
        for model in provider.models:
            try:
                _, listed = snapshot.find_provider_model(model.id, None, provider.id, None)
            except LookupError:
                continue
            found += 1
            if (window := listed_window(provider.id, model.id)) != listed.context_window:
                wrong[provider.id, model.id] = window
    assert found > 300
    assert wrong == {}


def test_windows_that_everybody_knows():
    """As their providers say."""
    names = ('openai', 'gpt-4o'), ('openai', 'o4-mini'), ('anthropic', 'claude-sonnet-4-0')
    assert [listed_window(*each) for each in names] == [128_000, 200_000, 200_000]


def test_a_function_that_stands_in_for_a_listed_model_has_its_window():
    """As it has its price; one without such a name has neither."""
    stand_in = FunctionModel(_reply, model_name='gpt-4o')
    assert asyncio.run(Agent(stand_in).run('hi')).response.cost().total_price > 0
    assert listed_window(stand_in.system, stand_in.model_name) == 128_000
    assert listed_window(stand_in.system, FunctionModel(_reply).model_name) is None


@pytest.mark.parametrize('provider', ['house', 'llama.cpp', 'ollama', 'test', ''])
def test_a_model_that_somebody_else_runs_has_no_listed_window(provider: str):
    """It may hold less than the one of the same name in the list."""
    assert listed_window(provider, 'gpt-4o') is None


@pytest.mark.parametrize(('provider', 'model'), [('house', 'own'), ('openai', 'none-such'), ('', '')])
def test_a_model_that_is_not_listed_has_no_known_window(provider: str, model: str):
    """Never 0, and never an error."""
    assert listed_window(provider, model) is None


@pytest.mark.parametrize(
    ('said', 'window'),
    [(8192, 8192), (None, None), (0, None), (-1, None), (True, None), ('8192', None), (MAX_TOKENS + 1, None)],
)
def test_a_model_may_say_itself_what_it_can_hold(said: object, window: int | None):
    """What makes no sense is not believed."""
    assert own_window(SimpleNamespace(context_window=said)) == window


def test_a_model_of_an_older_release_says_nothing():
    """Nor does one that raises."""

    class Raises:
        @property
        def context_window(self) -> int:
            raise RuntimeError('not now')

    assert (own_window(object()), own_window(Raises())) == (None, None)


@pytest.mark.parametrize(
    ('metadata', 'tokens'),
    [
        (None, None),
        ({}, None),
        ({'__pydantic_ai__': {}}, None),
        ({'__pydantic_ai__': 'nothing'}, None),
        ({'__pydantic_ai__': {'context_input_tokens': 1200}}, 1200),
        ({'__pydantic_ai__': {'initial_input_tokens': 900}}, 900),
        ({'__pydantic_ai__': {'context_input_tokens': 1200, 'initial_input_tokens': 900}}, 1200),
        ({'__pydantic_ai__': {'context_input_tokens': -1, 'initial_input_tokens': 900}}, 900),
        ({'__pydantic_ai__': {'context_input_tokens': 0}}, 0),
        ({'context_input_tokens': 1200}, None),
    ],
)
def test_a_response_that_sums_several_requests_says_how_large_the_prompt_was(
    metadata: dict[str, Any] | None, tokens: int | None
):
    """As those of models that decode for long, or that count native tools."""
    assert prompt_tokens(ModelResponse(parts=[TextPart('hi')], metadata=metadata)) == tokens
