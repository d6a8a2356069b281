"""The agents of a team: what they do is drawn once for each request, and takes simulated time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls

from answers.counting_model import LARGE, SMALL, CountingModel, prompts_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from random import Random

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.usage import RequestUsage

    from streamtap import Tap

DELEGATING = 0.3
"""The share of the requests for which `support` asks `billing`."""

SEARCHING = 0.5
"""The share of the others that search."""

LOOPING = 0.3
"""The share of those that search for the same again and again."""

BILLING, AGAIN = 'billing', 'again'
"""What stands behind the number of a request, for the agent that is called, and for a second attempt."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request to a model does.

    Args:
        first: Seconds until the first chunk.
        gap: Seconds between two chunks.
        words: How many words the text has.
        calls: The tool that is called instead.
        tokens: The tokens of the prompt.
    """

    first: float
    gap: float
    words: int
    calls: str | None
    tokens: RequestUsage


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
    chance = draw.random()
    fails, stops = chance < failing, failing <= chance < failing + stopped
    stopped_after = draw.uniform(0.1, 1.5) if stops else None

    def planned(agent: str, *calls: str, nested: tuple[Answer, ...] = (), tool_seconds: float = 0.0) -> Plan:
        return Plan(agent, _answers(draw, *calls, None), nested, tool_seconds, fails, stopped_after)

    if draw.random() < 0.4:
        return planned('reports')
    if draw.random() < DELEGATING:
        return planned('support', 'ask_billing', nested=_answers(draw, None))
    if draw.random() < SEARCHING:
        times = draw.randint(3, 6) if draw.random() < LOOPING else 1
        return planned('support', *['search'] * times, tool_seconds=draw.lognormvariate(-1.5, 0.8))
    return planned('support')


def _answers(draw: Random, *calls: str | None) -> tuple[Answer, ...]:
    """What the model does in each step, with the tool that it calls there; its prompts are in `prompts_of`."""
    return tuple(
        Answer(draw.lognormvariate(-0.7, 0.6), draw.lognormvariate(-3.9, 0.4), draw.randint(10, 60), tool, tokens)
        for tool, tokens in zip(calls, prompts_of(draw, len(calls)), strict=True)
    )


def agents_of(tap: Tap, plans: Callable[[str], Plan]) -> dict[str, Agent[object, str]]:
    """The agents of one process.

    Args:
        tap: Measures them.
        plans: Finds a plan by the prompt, which is its number.
    """

    def answer_to(messages: list[ModelMessage]) -> Answer:
        number, _, which = _prompt(messages).partition('/')
        answers = plans(number).nested if which == BILLING else plans(number).answers
        return answers[sum(isinstance(message, ModelRequest) for message in messages) - 1]

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        number, _, which = _prompt(messages).partition('/')
        answer = answer_to(messages)
        if plans(number).fails and not which and answer.calls is None:
            await asyncio.sleep(answer.first)
            raise ModelHTTPError(503, LARGE)
        await asyncio.sleep(answer.first)
        if answer.calls:
            yield {0: DeltaToolCall(name=answer.calls, tool_call_id=f'{number}-{len(messages)}')}
            await asyncio.sleep(answer.gap)
            yield {0: DeltaToolCall(json_args=json.dumps({'number': number}))}
            return
        for word in range(answer.words):
            if word:
                await asyncio.sleep(answer.gap)
            yield f'word{word} '

    def model(name: str) -> CountingModel:
        return CountingModel(stream, name, lambda messages: answer_to(messages).tokens)

    door = tap.capability(stream=True)
    billing = Agent(model(SMALL), name='billing', capabilities=[door])
    reports = Agent(model(SMALL), name='reports', capabilities=[door])
    support = Agent(model(LARGE), name='support', capabilities=[door])

    @support.tool_plain
    async def search(number: str) -> str:
        await asyncio.sleep(plans(number).tool_seconds)
        return 'found'

    @support.tool_plain
    async def ask_billing(number: str) -> str:
        return (await billing.run(f'{number}/{BILLING}')).output

    return {'support': support, 'reports': reports}


def _prompt(messages: list[ModelMessage]) -> str:
    first = messages[0]
    assert isinstance(first, ModelRequest)
    return next(str(part.content) for part in first.parts if isinstance(part, UserPromptPart))
