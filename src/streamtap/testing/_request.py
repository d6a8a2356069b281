"""The requests to a `PacedProvider`, and how a script answers them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from streamtap.testing._script import Reply


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion request as the provider received it.

    Args:
        model: The model's name.
        messages: The messages as they were sent.
        tools: The names of the offered function tools.
        stream: Whether a streamed response was asked for.
        number: How many requests the provider had received before.
        include_usage: Whether a streamed response was asked to report its tokens.
    """

    model: str
    messages: tuple[Mapping[str, object], ...]
    tools: tuple[str, ...]
    stream: bool
    number: int
    include_usage: bool = True

    @classmethod
    def parse(cls, body: bytes, *, number: int) -> ChatRequest:
        """Read the body of a request.

        Args:
            body: The JSON.
            number: How many requests came before.

        Raises:
            ValueError: If it is not a chat completion request.
        """
        try:
            payload: dict[str, Any] = json.loads(body)
            options: dict[str, Any] = payload.get('stream_options') or {}
            return cls(
                model=payload['model'],
                messages=tuple(payload['messages']),
                tools=tuple(tool['function']['name'] for tool in payload.get('tools') or () if 'function' in tool),
                stream=bool(payload.get('stream')),
                number=number,
                include_usage=bool(options.get('include_usage')),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f'not a chat completion request: {error!r}') from error


Script: TypeAlias = Sequence[Reply] | Callable[[ChatRequest], Reply]


def in_turn(script: Sequence[Reply]) -> Callable[[ChatRequest], Reply]:
    """A function that returns one reply after the other, and raises `LookupError` when none is left.

    Args:
        script: The replies.

    Raises:
        TypeError: If the script is not a sequence of replies.
        ValueError: If it is empty.
    """
    replies = _checked_replies(script)

    def next_reply(request: ChatRequest) -> Reply:
        if request.number >= len(replies):
            raise LookupError(f'the script is exhausted: it has {len(replies)} replies')
        return replies[request.number]

    return next_reply


def _checked_replies(script: object) -> tuple[Reply, ...]:
    if not isinstance(script, Iterable):
        raise TypeError(f'the script must be a sequence of replies or a function, not {script!r}')
    replies: list[Reply] = []
    for reply in cast('Iterable[object]', script):
        if not isinstance(reply, Reply):
            raise TypeError(f'the script must be a sequence of replies or a function, but has {reply!r}')
        replies.append(reply)
    if not replies:
        raise ValueError('the script must have at least one reply')
    return tuple(replies)
