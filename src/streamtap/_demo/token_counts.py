"""How the demo's fake provider counts the tokens of a prompt, and which of them its cache has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap.testing import ChatRequest

OF_INSTRUCTIONS = 3_000
"""Tokens that stand at the beginning of every prompt: instructions and tools."""

CACHE_GRAIN = 128
"""The cache has whole blocks of so many tokens."""

CHARACTERS = 4
"""Of a token, on average."""

UNIQUE = 'This is run'
"""How instructions begin that differ from run to run."""

_PRETENDED = re.compile(r'\[(\d+) tokens\]')


def pretends(tokens: int, text: str) -> str:
    """A text that counts as so many more tokens than it has.

    Args:
        tokens: How many.
        text: The text.
    """
    return f'{text} [{tokens} tokens]'


def prompt_of(request: ChatRequest) -> int:
    """The tokens of a request's prompt."""
    return OF_INSTRUCTIONS + sum(_size(message) for message in request.messages)


def cached_of(request: ChatRequest) -> int:
    """The tokens of a request's prompt that were in the prompt before it: in that of its conversation, or in any other.

    The cache knows a prompt by its beginning, so that a run whose own id stands there finds only what itself has sent.
    """
    messages = request.messages
    roles = [message['role'] for message in messages]
    answers = [index for index, role in enumerate(roles) if role == 'assistant']
    is_unique = str(messages[0].get('content')).startswith(UNIQUE)
    if is_unique and roles[-1] == 'user':
        return 0
    before = messages[: answers[-1]] if answers else ()
    tokens = OF_INSTRUCTIONS + sum(_size(message) for message in before)
    return tokens // CACHE_GRAIN * CACHE_GRAIN


def _size(message: Mapping[str, object]) -> int:
    pretended = sum(int(number) for number in _PRETENDED.findall(str(message.get('content'))))
    return pretended + len(json.dumps(dict(message))) // CHARACTERS
