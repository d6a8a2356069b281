"""What the events on the wire say, in each format."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judges.wire import Exchange

FINISHED = {
    'stop': 'stop',
    'length': 'length',
    'tool_calls': 'tool_call',
    'completed': 'stop',
    'incomplete': 'length',
    'end_turn': 'stop',
    'max_tokens': 'length',
    'tool_use': 'tool_call',
}
"""How pydantic-ai names why a response ended."""

DELTAS = {
    'response.output_text.delta',
    'response.function_call_arguments.delta',
    'response.reasoning_text.delta',
    'content_block_delta',
}
"""The events of Responses and Anthropic that carry content."""

NAMED = {('response.output_item.added', 'function_call'), ('content_block_start', 'tool_use')}
"""Those that carry the name of a tool, by what they begin: in the chat format it is in a delta."""


@dataclass
class Said:
    """What one exchange says.

    Args:
        contents: When each event with content left.
        input_tokens: As the server counts them, cached ones included.
        output_tokens: Likewise.
        cached_tokens: Likewise.
        finish: Why it ended, in pydantic-ai's words.
    """

    contents: list[float] = field(default_factory=list[float])
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    finish: str | None = None


def said(exchange: Exchange) -> Said:
    """Read an exchange."""
    found = Said()
    for left, event in exchange.events:
        data = event[event.find('data: ') + 6 :] if 'data: ' in event else event
        if data.startswith('{'):
            _read(found, left, json.loads(data))
    return found


def _read(found: Said, left: float, event: Mapping[str, Any]) -> None:
    choices: list[object] = event.get('choices') or [None]
    choice = _part(choices[0])
    delta = _part(choice.get('delta'))
    is_delta = any(delta.get(kind) for kind in ('content', 'reasoning_content', 'tool_calls'))
    begun = _part(event.get('item') or event.get('content_block')).get('type')
    if is_delta or event.get('type') in DELTAS or (event.get('type'), begun) in NAMED:
        found.contents.append(left)
    whole = _part(event.get('response') or event.get('message') or event)
    # Anthropic ends with the reason beside the usage.
    reason: str | None = choice.get('finish_reason') or _part(event.get('delta')).get('stop_reason')
    if event.get('type') in ('response.completed', 'response.incomplete'):
        reason = whole['status']
    found.finish = FINISHED[reason] if reason else found.finish
    _usage(found, _part(whole.get('usage') or event.get('usage')))


def _part(part: object) -> Mapping[str, Any]:
    return cast('Mapping[str, Any]', part) if isinstance(part, dict) else {}


def _usage(found: Said, usage: Mapping[str, Any]) -> None:
    details = _part(usage.get('prompt_tokens_details') or usage.get('input_tokens_details'))
    cached = usage.get('cache_read_input_tokens')
    if 'prompt_tokens' in usage or 'input_tokens' in usage:
        # Anthropic counts cached tokens apart.
        found.input_tokens = usage.get('prompt_tokens', usage.get('input_tokens', 0)) + (cached or 0)
        found.cached_tokens = details.get('cached_tokens', cached)
    found.output_tokens = usage.get('completion_tokens', usage.get('output_tokens', found.output_tokens))
