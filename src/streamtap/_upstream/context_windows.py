"""How much a model can hold, and how much of it a response has taken."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

from genai_prices.data_snapshot import get_snapshot

from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse

MAX_TOKENS = 10**12
"""A window or a count of tokens above this is invalid."""

_PLACES_OF_INPUT = ('context_input_tokens', 'initial_input_tokens')
"""Where pydantic-ai keeps the prompt's size of a response whose usage sums several requests to the model."""

_STAND_IN = 'function'
"""What pydantic-ai's `FunctionModel` calls its provider."""


def own_window(model: object) -> int | None:
    """The context window that a model says it has, in tokens; `None` in releases of pydantic-ai that do not say it."""
    return _window(read(model, 'context_window'))


@functools.lru_cache(maxsize=1024)
def listed_window(provider: str, model: str) -> int | None:
    """The context window of a model in pydantic-ai's list of prices, in tokens; `None` if it is not listed.

    pydantic-ai's `FunctionModel`, which stands in for the model whose name it is given, is found by that name alone, as
    its price is; any other only with its provider, as a model of the same name that somebody else runs may hold less.

    Args:
        provider: The provider's name.
        model: The model's name.
    """
    try:
        _, found = get_snapshot().find_provider_model(model, None, None if provider == _STAND_IN else provider, None)
    except Exception:
        # Not listed, or the list failed.
        return None
    return _window(found.context_window)


def prompt_tokens(response: ModelResponse) -> int | None:
    """The tokens of a response's prompt, where its usage is the sum of several requests and pydantic-ai says so."""
    metadata = read(response, 'metadata')
    if not metadata or not isinstance(metadata, dict):
        return None
    kept = cast('dict[str, object]', metadata).get('__pydantic_ai__')
    if not isinstance(kept, dict):
        return None
    said = cast('dict[str, object]', kept)
    # A conversation that was summed up leaves a prompt of 0 tokens behind.
    return next((count for place in _PLACES_OF_INPUT if (count := _count(said.get(place))) is not None), None)


def _window(value: object) -> int | None:
    return _count(value) or None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS else None
