"""Every way to run an agent that is put under load, and the door through which the tap sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent, AgentRunResultEvent
from pydantic_ai.usage import UsageLimits

from soak.model import ScriptedModel
from soak.run_log import RunLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai import CancellationToken, RunContext
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap import Tap
    from support.doors import Door

Runs = Callable[['Tap', Agent[RunLog, str], RunLog, dict[str, Any]], Awaitable[bool]]
"""Runs an agent; whether its consumer left before the end."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run an agent.

    Args:
        name: What it is called.
        door: How the tap is attached.
        run: Runs it.
        shows_events: Whether the ledger is shown the events that the door is shown.
        capability: What the capability is made with, if the agent has one.
    """

    name: str
    door: Door
    run: Runs
    shows_events: bool = True
    capability: dict[str, bool] | None = None

    @property
    def tells_rounds(self) -> bool:
        """Whether it is certain how far the door saw a round of tools that was cut off."""
        return self.shows_events or self.door == 'capability'


def arguments(run_log: RunLog, token: CancellationToken | None) -> dict[str, Any]:
    """What every run is given."""
    limit = run_log.plan.request_limit
    return {
        'deps': run_log,
        'model': ScriptedModel(run_log),
        'usage_limits': None if limit is None else UsageLimits(request_limit=limit),
        'cancellation_token': token,
    }


class Consumer:
    """Whoever reads what a run shows: holds each event for a while, and may leave.

    Args:
        run_log: The run.
    """

    def __init__(self, run_log: RunLog) -> None:
        self._run_log = run_log
        self._left = run_log.plan.leaves_after
        self.is_waiting = True
        """Whether it waits for an event: it neither holds one nor has left."""

    async def leaves(self, event: object) -> bool:
        """Take an event; whether that was enough."""
        self._run_log.read(event)
        self.is_waiting = False
        for _ in range(self._run_log.plan.holds):
            await asyncio.sleep(0)
        if self._left is not None:
            self._left -= 1
        # Whoever has the result missed nothing.
        self.is_waiting = self._left != 0 or isinstance(event, AgentRunResultEvent)
        return not self.is_waiting


async def handled(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run()` with the tap as its handler; the ledger is told when it is called."""

    async def handler(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        with run_log.handler():
            await tap(ctx, events)

    await agent.run('go', event_stream_handler=handler, **options)
    return False


async def beside(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run()` with a slow handler of the user's own, and the tap beside it."""
    consumer = Consumer(run_log)

    async def handler(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        with run_log.handler():
            async for event in events:
                await consumer.leaves(event)

    await agent.run('go', event_stream_handler=tap.beside(handler), **options)
    return False


async def handled_stream(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run_stream()` with the tap as its handler."""

    async def handler(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        run_log.history = ctx.messages
        with run_log.handler():
            await tap(ctx, events)

    return await _read_text(agent, run_log, {**options, 'event_stream_handler': handler})


async def plain(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run()`."""
    await agent.run('go', **options)
    return False


async def streamed(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run_stream()`."""
    return await _read_text(agent, run_log, options)


async def events(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run_stream_events()`."""
    consumer = Consumer(run_log)
    async with agent.run_stream_events('go', **options) as shown:
        async for event in shown:
            if await consumer.leaves(event):
                return True
    return False


async def nodes(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`iter()`, and the stream of each node."""
    consumer = Consumer(run_log)
    async with agent.iter('go', **options) as run:
        async for node in run:
            if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                async with node.stream(run.ctx) as shown:
                    async for event in shown:
                        if await consumer.leaves(event):
                            return True
    return False


async def watched(tap: Tap, agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    """`run_stream_events()`, watched."""
    consumer = Consumer(run_log)
    async with agent.run_stream_events('go', **options) as shown:
        try:
            async for event in tap.watch(shown):
                if await consumer.leaves(event):
                    return True
        finally:
            # Who does not read on is not told what pydantic-ai still writes down; who waits for an event is.
            if not consumer.is_waiting:
                run_log.history = tuple(run_log.history)
    return False


async def _read_text(agent: Agent[RunLog, str], run_log: RunLog, options: dict[str, Any]) -> bool:
    consumer = Consumer(run_log)
    async with agent.run_stream('go', **options) as result:
        async for text in result.stream_text(delta=True, debounce_by=None):
            if await consumer.leaves(text):
                return True
    return False


WAYS = (
    Way('handler', 'handler', handled, shows_events=False),
    Way('handler beside another', 'handler', beside),
    Way('handler of run_stream', 'handler', handled_stream, shows_events=False),
    Way('capability', 'capability', plain, shows_events=False, capability={}),
    Way('capability that streams', 'capability', plain, shows_events=False, capability={'stream': True}),
    Way('capability, run_stream', 'capability', streamed, shows_events=False, capability={}),
    Way('capability, run_stream_events', 'capability', events, capability={}),
    Way('capability, nodes', 'capability', nodes, capability={}),
    Way('watch', 'watch', watched),
)
