"""The search for a conversation's content in whatever was reported of it."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, cast

from pydantic_ai.messages import (
    NativeToolCallPart,
    NativeToolReturnPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.recorded_conversations import Ledger
    from support.replay_server import Conversation

LONG_ENOUGH = 12
"""Characters from which on a piece of content cannot be found by chance."""


def leaked(told: str, ledger: Ledger) -> list[str]:
    """The pieces of the conversation's content that are found in what was told."""
    told = _TAPS_OWN_WORDS.sub('\0', told)
    told_windows = _windows(told, ledger.conversation)
    found = [sent for sent in sent_by_provider(ledger.conversation) if sent in told]
    for text in said(ledger):
        found += [text] if text in told else []
        found += sorted(_windows(text, ledger.conversation) & told_windows)
    return found


_TAPS_OWN_WORDS = re.compile(r'^# (?:HELP|TYPE) .*$|\bconversation_id\b', re.MULTILINE)
"""What the tap says in every run, and shares a dozen characters with what some model says."""


def _windows(text: str, conversation: Conversation) -> set[str]:
    """Every piece of a dozen characters in a text, but for those in which a tool is named."""
    for tool in recorded_tools(conversation):
        text = text.replace(tool, '\0')
    pieces = (text[at : at + LONG_ENOUGH] for at in range(len(text) - LONG_ENOUGH + 1))
    return {piece for piece in pieces if '\0' not in piece}


def said(ledger: Ledger) -> list[str]:
    """The texts of prompts, thinking, answers, arguments and results, each as a whole, from a dozen characters on."""
    contents: list[object] = []
    for message in ledger.messages:
        for part in message.parts:
            if isinstance(part, (UserPromptPart, TextPart, ThinkingPart, ToolReturnPart, NativeToolReturnPart)):
                contents.append(part.content)
            elif isinstance(part, (ToolCallPart, NativeToolCallPart)):
                contents += [part.args, part.args_as_dict()]
    return [text for content in contents for _, text in _strings(content) if len(text) >= LONG_ENOUGH]


@functools.cache
def sent_by_provider(conversation: Conversation) -> tuple[str, ...]:
    """The strings of a dozen characters or more in what the provider sent, but for names of models, tools and calls."""
    bodies = [line for turn in conversation.turns for event in turn.events for line in event.splitlines()]
    data = [json.loads(line[5:]) for line in bodies if line.startswith('data:') and '[DONE]' not in line]
    no_content = {
        'model',
        'modelVersion',
        'name',
        'id',
        'item_id',
        'call_id',
        'tool_use_id',
        'type',
        'object',
        'responseId',
    }
    found = {text for key, text in _strings(data) if len(text) >= LONG_ENOUGH and key not in no_content}
    return tuple(sorted(found))


def _strings(value: object, key: str = '') -> Iterator[tuple[str, str]]:
    """Every string in a JSON value, with the key that it is under."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in cast('dict[str, object]', value).items():
            yield from _strings(inner, name)
    elif isinstance(value, (list, tuple)):
        for inner in cast('list[object]', value):
            yield from _strings(inner, key)


def recorded_tools(conversation: Conversation) -> set[str]:
    # pydantic-ai calls every provider's execution of code the same.
    return {'code_execution' if tool == 'code_interpreter' else tool for tool in conversation.tools}
