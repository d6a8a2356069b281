"""What is run: many deltas, many runs, many tools, many streams at once, and a real HTTP stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, ToolReturnPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import PacedProvider, Reply, words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from bench.arms import Arm

TOOL_RESPONSES = 4
"""Responses that call tools, before the one that answers."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Something to run.

    Args:
        name: What the tables call it.
        unit: What the cost is given per.
        units: How many of them a round has.
        prepared: Makes what one round of an arm is.
    """

    name: str
    unit: str
    units: int
    prepared: Callable[[Arm], Callable[[], Awaitable[object]]]


@dataclass(slots=True)
class Chunks:
    """A model that answers in so many chunks, and takes down how long each was away before the next was asked for."""

    count: int
    away: list[float] = field(default_factory=list[float])
    yields_to_others: bool = False

    async def stream(self, messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        """The answer."""
        for _ in range(self.count):
            sent = perf_counter()
            yield 'word '
            self.away.append(perf_counter() - sent)
            if self.yields_to_others:
                await asyncio.sleep(0)


def agent_of(arm: Arm, model: FunctionModel | OpenAIChatModel) -> Agent[None, str]:
    """An agent that the arm watches."""
    return Agent(model, name='bench', capabilities=list(arm.capabilities))


def one_stream(deltas: int) -> Workload:
    """One run of one long response."""

    def prepared(arm: Arm) -> Callable[[], Awaitable[None]]:
        agent = agent_of(arm, FunctionModel(stream_function=Chunks(deltas).stream))
        return lambda: arm.run(agent)

    return Workload(f'one stream of {deltas:,} deltas', 'delta', deltas, prepared)


def many_runs(runs: int, deltas: int) -> Workload:
    """Runs of one response, one after another."""

    def prepared(arm: Arm) -> Callable[[], Awaitable[None]]:
        agent = agent_of(arm, FunctionModel(stream_function=Chunks(deltas).stream))

        async def rounds() -> None:
            for _ in range(runs):
                await arm.run(agent)

        return rounds

    return Workload(f'runs of one response of {deltas} deltas', 'run', runs, prepared)


def many_tools(runs: int, calls: int) -> Workload:
    """Runs of five responses, of which four call so many tools each."""

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        rounds = sum(
            isinstance(message, ModelRequest) and any(isinstance(part, ToolReturnPart) for part in message.parts)
            for message in messages
        )
        if rounds >= TOOL_RESPONSES:
            yield 'done'
            return
        yield {number: DeltaToolCall(name='look_up', json_args='{"word": "x"}') for number in range(calls)}

    def prepared(arm: Arm) -> Callable[[], Awaitable[None]]:
        agent = agent_of(arm, FunctionModel(stream_function=stream))

        @agent.tool_plain
        async def look_up(word: str) -> str:  # pyright: ignore[reportUnusedFunction]
            return word

        async def rounds() -> None:
            for _ in range(runs):
                await arm.run(agent)

        return rounds

    return Workload(
        f'runs of {TOOL_RESPONSES + 1} responses and {TOOL_RESPONSES * calls} tool calls', 'run', runs, prepared
    )


def many_streams(streams: int, deltas: int) -> Workload:
    """Runs that go on at once, a chunk of each in turn."""

    def prepared(arm: Arm) -> Callable[[], Awaitable[object]]:
        agent = agent_of(arm, FunctionModel(stream_function=Chunks(deltas, yields_to_others=True).stream))
        return lambda: asyncio.gather(*(arm.run(agent) for _ in range(streams)))

    return Workload(f'{streams} streams at once, {deltas} deltas each', 'stream', streams, prepared)


def real_stream(runs: int, deltas: int) -> Workload:
    """Runs over HTTP from a server on loopback, through OpenAI's own client."""
    provider = PacedProvider(lambda _: Reply(words('word ' * deltas)))
    provider.start()

    def prepared(arm: Arm) -> Callable[[], Awaitable[None]]:
        async def rounds() -> None:
            async with AsyncOpenAI(base_url=provider.base_url, api_key='none', max_retries=0) as client:
                model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(openai_client=client))
                agent = agent_of(arm, model)
                for _ in range(runs):
                    await arm.run(agent)

        return rounds

    return Workload(f'OpenAI SSE over loopback, {deltas} deltas', 'run', runs, prepared)
