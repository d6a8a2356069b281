"""What the handler door adds per delta over a no-op handler: paired, alternating, in one process.

The events are made beforehand and handed over by a generator that does nothing else, so that the difference of two
arms is the handler's own work. Below it, for scale, stands what pydantic-ai itself spends on a delta.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelRequest, PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta, UserPromptPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage

from streamtap import PrometheusSink, Tap, UsageSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage
    from pydantic_ai.models.function import AgentInfo

    Handler = Callable[[RunContext[Any], AsyncIterable[AgentStreamEvent]], Awaitable[None]]


async def no_op(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
    """The handler that only drains."""
    async for _ in events:
        pass


def made_tap() -> Tap:
    """A tap with its default sinks, on a registry of its own."""
    return Tap([PrometheusSink(CollectorRegistry()), UsageSink()])


def direct(handler: Handler, deltas: int) -> float:
    """CPU seconds per delta of one call of the handler, fed with ready events."""
    events: list[AgentStreamEvent] = [PartStartEvent(index=0, part=TextPart(content='x'))]
    events.extend(PartDeltaEvent(index=0, delta=TextPartDelta(content_delta='word ')) for _ in range(deltas))
    ctx: RunContext[Any] = RunContext(
        deps=None,
        model=TestModel(),
        usage=RunUsage(),
        run_id=f'bench-{time.perf_counter_ns()}',
        messages=[ModelRequest(parts=[UserPromptPart('hello')])],
    )

    async def stream() -> AsyncIterator[AgentStreamEvent]:
        for event in events:
            yield event

    async def call() -> float:
        started = time.process_time()
        await handler(ctx, stream())
        return (time.process_time() - started) / deltas

    return asyncio.run(call())


def whole_run(handler: Handler, deltas: int) -> float:
    """CPU seconds per delta of a whole agent run with that handler."""

    async def stream(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        for _ in range(deltas):
            yield 'word '

    agent = Agent(FunctionModel(stream_function=stream))

    async def call() -> float:
        started = time.process_time()
        await agent.run('hello', event_stream_handler=handler)
        return (time.process_time() - started) / deltas

    return asyncio.run(call())


def paired(arm: Callable[[Handler, int], float], deltas: int, rounds: int) -> dict[str, float]:
    """Microseconds per delta of both arms, and the median difference of the pairs."""
    tap = made_tap()
    arm(no_op, deltas)
    arm(tap, deltas)
    pairs: list[tuple[float, float]] = []
    for turn in range(rounds):
        order: tuple[Handler, Handler] = (no_op, tap) if turn % 2 == 0 else (tap, no_op)
        seen = {id(handler): arm(handler, deltas) * 1e6 for handler in order}
        pairs.append((seen[id(no_op)], seen[id(tap)]))
    added = [with_tap - without for without, with_tap in pairs]
    return {
        'no-op handler': statistics.median(without for without, _ in pairs),
        'tap': statistics.median(with_tap for _, with_tap in pairs),
        'added': statistics.median(added),
        'added, least': min(added),
        'added, most': max(added),
    }


def main() -> int:
    """Print the table; exit 1 if the handler adds more than `--limit` per delta."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--deltas', type=int, default=100_000)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--limit', type=float, default=1.0, help='microseconds per delta over a no-op handler')
    parser.add_argument('--json', action='store_true')
    options = parser.parse_args()
    figures = {
        'handler alone': paired(direct, options.deltas, options.rounds),
        'whole run': paired(whole_run, max(1, options.deltas // 20), options.rounds),
    }
    if options.json:
        print(json.dumps({'machine': platform.platform(), 'python': platform.python_version(), 'us': figures}))
    else:
        print(f'CPU microseconds per delta, median of {options.rounds} pairs; Python {platform.python_version()}')
        for name, row in figures.items():
            print(f'{name:15}', '  '.join(f'{label} {value:.3f}' for label, value in row.items()))
    added = figures['handler alone']['added']
    if added > options.limit:
        print(f'the handler adds {added:.3f} us per delta, more than {options.limit}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
