"""What the server answers in more than one case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap.testing import Call, ChatRequest, Reply, Say, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACE: dict[str, Any] = {'headers_after': 0.03, 'first_after': 0.05, 'every': 0.02}
"""Headers late, the first chunk later, then a chunk every 20 ms."""

TEXT = Reply(words('a text of a dozen words that comes word by word to you'), **PACE)
"""Twelve words."""

SHORT = Reply((Say('yes'), Say(' it'), Say(' is')), **PACE)


def calling(*calls: Call) -> Reply:
    """A reply that calls tools."""
    return Reply(calls, **PACE)


def tools_then_text(*calls: Call) -> Any:
    """A script: tool calls until their results are there, then a text, however many requests there are.

    Args:
        *calls: The calls of the first reply.
    """

    def answer(request: ChatRequest) -> Reply:
        has_results = any(message.get('role') == 'tool' for message in request.messages)
        return TEXT if has_results or not request.tools else calling(*calls)

    return answer


def in_turn(*replies: Reply) -> Any:
    """A script: in each conversation these replies one after the other, however many conversations go on at once.

    Args:
        *replies: The reply to the first request of a run, to its second, and so on.
    """
    return in_turn_of_each({}, *replies)


def in_turn_of_each(models: Mapping[str, Sequence[Reply]], *replies: Reply) -> Any:
    """A script like `in_turn`, with replies of their own for some models.

    Args:
        models: The replies of those models.
        *replies: The replies of all other models.
    """

    def answer(request: ChatRequest) -> Reply:
        answered = sum(message.get('role') == 'assistant' for message in request.messages)
        return models.get(request.model, replies)[answered]

    return answer
