"""What the server answers in more than one case."""

from __future__ import annotations

from typing import Any

from streamtap.testing import Call, ChatRequest, Reply, Say, words

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
