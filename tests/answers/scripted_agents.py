"""The agents of a team: what they do is drawn once for each request, and takes simulated time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from random import Random

    from pydantic_ai.messages import ModelMessage

    from streamtap import Tap

DELEGATING = 0.3
"""The share of the requests for which `support` asks `billing`."""

SEARCHING = 0.5
"""The share of the others that search."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request to a model does.

    Args:
        first: Seconds until the first chunk.
        gap: Seconds between two chunks.
        words: How many words the text has.
        calls: The tool that is called instead.
    """

    first: float
    gap: float
    words: int
    calls: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one request of a user.

    Args:
        agent: Who is asked.
        answers: What the model does, request by request.
        nested: The same for the agent that is called, if one is.
        tool_seconds: How long the tool takes, if it is a plain one.
        fails: Whether the model refuses its last answer.
        stopped_after: Seconds after which the user presses Stop.
    """

    agent: str
    answers: tuple[Answer, ...]
    nested: tuple[Answer, ...] = ()
    tool_seconds: float = 0.0
    fails: bool = False
    stopped_after: float | None = None


def plan(draw: Random, *, failing: float, stopped: float) -> Plan:
    """Draw what becomes of a request.

    Args:
        draw: The source of chance.
        failing: The share that fails.
        stopped: The share that is stopped.
    """
    last = _answer(draw)
    chance = draw.random()
    fails, stops = chance < failing, failing <= chance < failing + stopped
    stopped_after = draw.uniform(0.1, 1.5) if stops else None
    if draw.random() < 0.4:
        return Plan('reports', (last,), fails=fails, stopped_after=stopped_after)
    if draw.random() < DELEGATING:
        first, nested = _answer(draw, calls='ask_billing'), (_answer(draw),)
        return Plan('support', (first, last), nested, fails=fails, stopped_after=stopped_after)
    if draw.random() < SEARCHING:
        first, seconds = _answer(draw, calls='search'), draw.lognormvariate(-1.5, 0.8)
        return Plan('support', (first, last), tool_seconds=seconds, fails=fails, stopped_after=stopped_after)
    return Plan('support', (last,), fails=fails, stopped_after=stopped_after)


def _answer(draw: Random, calls: str | None = None) -> Answer:
    return Answer(draw.lognormvariate(-0.7, 0.6), draw.lognormvariate(-3.9, 0.4), draw.randint(10, 60), calls)


def agents_of(tap: Tap, plans: Callable[[str], Plan]) -> dict[str, Agent[object, str]]:
    """The agents of one process.

    Args:
        tap: Measures them.
        plans: Finds a plan by the prompt, which is its number.
    """

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        number, _, nested = _prompt(messages).partition('/')
        made = plans(number)
        answers = made.nested if nested else made.answers
        step = sum(isinstance(message, ModelRequest) for message in messages) - 1
        answer = answers[step]
        if made.fails and not nested and step == len(answers) - 1:
            await asyncio.sleep(answer.first)
            raise ModelHTTPError(503, 'large')
        await asyncio.sleep(answer.first)
        if answer.calls:
            yield {0: DeltaToolCall(name=answer.calls, tool_call_id=f'{number}-{step}')}
            await asyncio.sleep(answer.gap)
            yield {0: DeltaToolCall(json_args=json.dumps({'number': number}))}
            return
        for word in range(answer.words):
            if word:
                await asyncio.sleep(answer.gap)
            yield f'word{word} '

    def model(name: str) -> FunctionModel:
        return FunctionModel(stream_function=stream, model_name=name)

    door = tap.capability(stream=True)
    billing = Agent(model('small'), name='billing', capabilities=[door])
    reports = Agent(model('small'), name='reports', capabilities=[door])
    support = Agent(model('large'), name='support', capabilities=[door])

    @support.tool_plain
    async def search(number: str) -> str:
        await asyncio.sleep(plans(number).tool_seconds)
        return 'found'

    @support.tool_plain
    async def ask_billing(number: str) -> str:
        return (await billing.run(f'{number}/billing')).output

    return {'support': support, 'reports': reports}


def _prompt(messages: list[ModelMessage]) -> str:
    first = messages[0]
    assert isinstance(first, ModelRequest)
    return next(str(part.content) for part in first.parts if isinstance(part, UserPromptPart))
