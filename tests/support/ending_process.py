"""A process that ends while runs are open: at each door one in a request, one in mid-stream and one in a tool.

It prints each run's door, place and outcome as a sink hears of it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

from streamtap import BaseSink, RunRecord, Tap
from support.doors import DOORS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PLACES = ('request', 'mid-stream', 'tool')

hanging: list[str] = []


class Says(BaseSink):
    """Prints the outcome of each run."""

    def run_ended(self, record: RunRecord) -> None:
        """Print it."""
        print(record.agent, record.outcome, flush=True)


async def hang(place: str) -> str:
    """Come to the place in which the process ends."""
    hanging.append(place)
    await asyncio.sleep(60)
    return 'never'


def agent(tap: Tap, door: str, place: str) -> Agent[None, str]:
    """An agent that hangs in that place."""

    async def stream(messages: Any, info: Any) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        if place == 'tool':
            yield {0: DeltaToolCall(name='hangs', json_args='{}', tool_call_id='a')}
            return
        if place == 'mid-stream':
            yield 'so '
        await hang(place)

    async def hangs() -> str:
        return await hang(place)

    capabilities = [tap.capability(stream=True)] if door == 'capability' else []
    model = FunctionModel(stream_function=stream)
    return Agent(model, name=f'{door} {place}', tools=[hangs], capabilities=capabilities)


async def run(tap: Tap, door: str, place: str) -> None:
    """Run it until the process ends."""
    made = agent(tap, door, place)
    if door == 'watch':
        async with made.run_stream_events('hello') as events:
            async for _ in tap.watch(events):
                pass
    else:
        await made.run('hello', event_stream_handler=tap if door == 'handler' else None)


async def until_all_hang() -> None:
    """Wait until each run has come to its place."""
    while len(hanging) < len(DOORS) * len(PLACES):  # noqa: ASYNC110 - there is one such process, and it waits briefly
        await asyncio.sleep(0.01)


async def main(tap: Tap, how: str) -> None:
    """Start all runs, and end the process in the midst of them."""
    runs = [asyncio.ensure_future(run(tap, door, place)) for door in DOORS for place in PLACES]
    await until_all_hang()
    loop = asyncio.get_running_loop()
    if how == 'interrupt':
        os.kill(os.getpid(), signal.SIGINT)
    elif how == 'terminate':
        os.kill(os.getpid(), signal.SIGTERM)
    elif how == 'exit':
        loop.call_soon(sys.exit, 3)
    elif how == 'exit in a task':
        sys.exit(3)
    elif how != 'return':
        raise ValueError(how)
    if how != 'return':
        await asyncio.gather(*runs)


def leave(tap: Tap) -> None:
    """Start all runs on a loop that nobody ends."""
    loop = asyncio.new_event_loop()
    kept.extend(loop.create_task(run(tap, door, place)) for door in DOORS for place in PLACES)
    loop.run_until_complete(until_all_hang())


kept: list[asyncio.Task[None]] = []

if __name__ == '__main__':
    tap = Tap([Says()])
    if sys.argv[1] == 'leave':
        leave(tap)
    else:
        asyncio.run(main(tap, sys.argv[1]))
