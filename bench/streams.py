"""What happens inside one stream: the handler's own work, how long a chunk is held, and what stays in memory."""

from __future__ import annotations

import asyncio
import gc
import statistics
import tracemalloc
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic_ai import RunContext
from pydantic_ai.messages import ModelRequest, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta, UserPromptPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from bench.arms import BASE
from bench.pairs import compared, turned
from bench.workloads import Chunks, Workload, agent_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from bench.arms import Arm
    from bench.pairs import Added

_RUN_IDS = (f'bench-{number}' for number in count())


def called_directly(arm: Arm, events: Callable[[], AsyncIterator[AgentStreamEvent]]) -> Callable[[], Awaitable[None]]:
    """One call of an arm's handler for a response, as pydantic-ai would make it."""

    async def call() -> None:
        messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart('hello')])]
        ctx: RunContext[Any] = RunContext(
            deps=None, model=TestModel(), usage=RunUsage(), run_id=next(_RUN_IDS), messages=messages
        )
        if arm.handler is not None:
            await arm.handler(ctx, events())

    return call


def is_handler_alone(arm: Arm) -> bool:
    """Whether all that the arm does, its handler does."""
    return arm.handler is not None and (arm is BASE or not arm.capabilities)


def handler_alone(deltas: int) -> Workload:
    """Ready-made events handed to the handler by a generator that does nothing else."""
    events: list[AgentStreamEvent] = [PartStartEvent(index=0, part=TextPart(content='x'))]
    events.extend(PartDeltaEvent(index=0, delta=TextPartDelta(content_delta='word ')) for _ in range(deltas))

    async def stream() -> AsyncIterator[AgentStreamEvent]:
        for event in events:
            yield event

    return Workload(f'handler alone, {deltas:,} deltas', 'delta', deltas, lambda arm: called_directly(arm, stream))


def latency(arms: Sequence[Arm], deltas: int, rounds: int) -> list[Added]:
    """Microseconds from a chunk's leaving the model to the next being asked for: what stands in the chunk's way."""
    seen: dict[str, dict[str, list[float]]] = {'p50': {}, 'p99': {}}
    chunks = {arm.name: Chunks(deltas) for arm in arms}
    agents = {arm.name: agent_of(arm, FunctionModel(stream_function=chunks[arm.name].stream)) for arm in arms}
    by_name = {arm.name: arm for arm in arms}
    for turn in range(rounds + 1):
        for name in turned(list(by_name), turn):
            chunks[name].away.clear()
            gc.collect()
            asyncio.run(by_name[name].run(agents[name]))
            if turn:
                cuts = statistics.quantiles(chunks[name].away, n=100)
                seen['p50'].setdefault(name, []).append(cuts[49] * 1e6)
                seen['p99'].setdefault(name, []).append(cuts[98] * 1e6)
    return [
        added
        for quantile, values in seen.items()
        for added in compared(f'latency of a chunk, {quantile}', 'µs', values)
    ]


def kept(arms: Sequence[Arm], few: int, many: int) -> list[Added]:
    """Bytes that an open stream holds for each delta between its first few and its many, beyond the base's."""

    def held_per_delta(arm: Arm) -> float:
        held: list[int] = []

        async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            for number in range(many + 1):
                if number in (few, many):
                    gc.collect()
                    held.append(tracemalloc.get_traced_memory()[0])
                yield 'word '

        agent = agent_of(arm, FunctionModel(stream_function=stream))
        tracemalloc.start()
        try:
            asyncio.run(arm.run(agent))
        finally:
            tracemalloc.stop()
        return (held[1] - held[0]) / (many - few)

    return compared(f'kept between {few:,} and {many:,} deltas', 'bytes per delta', _once(arms, held_per_delta))


def grown(arms: Sequence[Arm], deltas: int) -> list[Added]:
    """Bytes by which what the handler itself holds grows, in one response of so many deltas."""

    def growth(arm: Arm) -> float:
        event = PartDeltaEvent(index=0, delta=TextPartDelta(content_delta='word '))
        marks: list[int] = []

        async def stream() -> AsyncIterator[AgentStreamEvent]:
            yield PartStartEvent(index=0, part=TextPart(content='x'))
            for number in range(deltas + 1):
                if number in (1_000, deltas):
                    gc.collect()
                    marks.append(tracemalloc.get_traced_memory()[0])
                yield event

        tracemalloc.start()
        try:
            asyncio.run(_awaited(called_directly(arm, stream)))
        finally:
            tracemalloc.stop()
        return float(marks[1] - marks[0])

    alone = [arm for arm in arms if is_handler_alone(arm)]
    return compared(f'handler alone, grown between 1,000 and {deltas:,} deltas', 'bytes', _once(alone, growth))


def _once(arms: Sequence[Arm], measure: Callable[[Arm], float]) -> dict[str, list[float]]:
    # The first time pays for what is made once.
    for arm in arms:
        measure(arm)
    return {arm.name: [measure(arm)] for arm in arms}


async def _awaited(call: Callable[[], Awaitable[None]]) -> None:
    await call()
