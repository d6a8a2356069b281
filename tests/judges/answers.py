"""The ordinary answers that a server is asked for: texts, calls of functions and structured outputs."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel
from pydantic_ai import DeferredToolRequests, FunctionToolset, NativeOutput

from judges.echo_model import DISTANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judges.servers import Server

Kind: TypeAlias = Literal['text to its end', 'text to a limit', 'function tool', 'output tool', 'JSON schema']

KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is asked for."""

AROUND = 11
"""Tokens that the template writes between the end of the instructions and the answer, beside the prompt."""

SIZES = (20, 6, 80, 14, 150, 40, 10, 112, 28, 56)
"""How many words the answers have."""

WORDS = (
    'the a river under one small bridge in every old town people walk and talk about weather music work water '
    'stone light house garden winter summer road train paper window market morning evening story letter island '
    'mountain forest bread coffee silver yellow green quiet early often never almost between before after while'
)
"""What the answers are made of; each is a token."""


class Report(BaseModel):
    """What a structured output is."""

    title: str
    pages: int
    text: str


def write_note(title: str, pages: int, text: str) -> str:
    """Write a note."""
    return f'{title}, {pages}, {text}'


@dataclass(frozen=True)
class Asked:
    """One question, with what an agent needs to ask it.

    Args:
        kind: What is asked for.
        prompt: The question.
        max_tokens: At most so many tokens may come.
        agent: Arguments of the agent.
    """

    kind: Kind
    prompt: str
    max_tokens: int
    agent: Mapping[str, Any]


def answer(kind: Kind, place: int) -> str:
    """What the model is to answer, as it writes it itself.

    Args:
        kind: What is asked for.
        place: Which of the answers of this kind.
    """
    chance = random.Random(f'{kind} {place}')
    words = chance.choices(WORDS.split(), k=SIZES[place % len(SIZES)])
    sentence = ' '.join(words).capitalize() + '.'
    if kind == 'text to its end':
        return sentence
    if kind == 'text to a limit':
        return ' '.join(chance.choices(WORDS.split(), k=200))
    fields = {'title': ' '.join(words[:3]), 'pages': chance.randrange(1, 400), 'text': sentence}
    if kind == 'JSON schema':
        return json.dumps(fields)
    name = 'write_note' if kind == 'function tool' else 'final_result'
    return f'<tool_call>\n{{"name": "{name}", "arguments": {json.dumps(fields)}}}\n</tool_call>'


def asked(kind: Kind, place: int, echo: Server) -> Asked:
    """A question whose answer is decided.

    Args:
        kind: What is asked for.
        place: Which of the answers of this kind.
        echo: The server of the model that repeats what was written before.
    """
    agent: dict[str, Any] = {}
    if kind == 'function tool':
        # A call that waits for approval ends the run.
        toolset = FunctionToolset[None](requires_approval=True)
        toolset.add_function(write_note)
        agent = {'toolsets': [toolset], 'output_type': [str, DeferredToolRequests]}
    elif kind == 'output tool':
        agent = {'output_type': Report}
    elif kind == 'JSON schema':
        agent = {'output_type': NativeOutput(Report)}
    limit = SIZES[place % len(SIZES)] + 10 if kind == 'text to a limit' else 400
    text = answer(kind, place)
    return Asked(kind, distance(text, echo), limit, {'instructions': text, **agent})


def distance(text: str, echo: Server) -> str:
    """A prompt to which the answer is what the instructions are.

    Args:
        text: The instructions, of at most 240 tokens.
        echo: The server of the model that repeats what was written before.

    Raises:
        ValueError: If they are too long.
    """
    missing = DISTANCE - AROUND - echo.tokens(text)
    if missing < 1:
        raise ValueError(f'{1 - missing} tokens too many to be repeated')
    return ' '.join(['a'] * missing)
