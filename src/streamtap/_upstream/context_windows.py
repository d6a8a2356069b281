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


def own_window(model: object) -> int | None:
    """The context window that a model says it has, in tokens; `None` in releases of pydantic-ai that do not say it."""
    return _count(read(model, 'context_window'))


@functools.lru_cache(maxsize=1024)
def listed_window(provider: str, model: str) -> int | None:
    """The context window of a model in pydantic-ai's list of prices, in tokens; `None` if it is not listed.

    Args:
        provider: The provider's name.
        model: The model's name.
    """
    try:
        _, found = get_snapshot().find_provider_model(model, None, provider, None)
    except Exception:
        # Not listed, or the list failed.
        return None
    return _count(found.context_window)


def prompt_tokens(response: ModelResponse) -> int | None:
    """The tokens of a response's prompt, where its usage is the sum of several requests and pydantic-ai says so."""
    metadata = read(response, 'metadata')
    if not metadata or not isinstance(metadata, dict):
        return None
    kept = cast('dict[str, object]', metadata).get('__pydantic_ai__')
    if not isinstance(kept, dict):
        return None
    said = cast('dict[str, object]', kept)
    return next((count for place in _PLACES_OF_INPUT if (count := _count(said.get(place))) is not None), None)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_TOKENS else None
