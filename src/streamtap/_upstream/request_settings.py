"""The numbers that a request asks its model for. Stop sequences, which are content, are not among them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_ai.models import ModelRequestContext

SETTINGS = ('max_tokens', 'temperature', 'top_p', 'top_k', 'seed', 'presence_penalty', 'frequency_penalty')
"""What is read, by the names of pydantic-ai's model settings."""

MAX_SETTING = 10**15
"""A setting beyond this, or below its negative, is no setting of a model."""


def own_settings(model: object) -> dict[str, int | float]:
    """What a model adds to every request, unless the request says otherwise."""
    return _numbers(read(model, 'settings'))


def settings_of(request_context: ModelRequestContext) -> dict[str, int | float]:
    """What a request asks for, without what its model adds."""
    return _numbers(read(request_context, 'model_settings'))


def _numbers(settings: object) -> dict[str, int | float]:
    if not settings or not isinstance(settings, dict):
        return {}
    asked = cast('Mapping[str, object]', settings)
    return {name: value for name in SETTINGS if (value := _number(asked.get(name))) is not None}


def _number(value: object) -> int | float | None:
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) and abs(value) <= MAX_SETTING else None
