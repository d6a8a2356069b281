"""An agent whose tool runs another agent: cancelled after so many steps, or left at one of its events."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from prometheus_client import CollectorRegistry
from pydantic_ai import Agent

from streamtap import Live, PrometheusSink, UsageSink
from streamtap.testing import FakeClock
from support.scripted import Calls, Thinks, model
from support.traced_tap import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from prometheus_client.samples import Sample

    from support.scripted import Turn
    from support.traced_tap import Traced

    Way = Callable[[Agent[None, str], dict[str, Any], 'Leave'], Awaitable[object]]

ATTACHMENTS = ('capability', 'capability without streaming', 'handler', 'handler beside another')

WATCH = 'watch'

TOOL_FIRST: Turn = (Thinks('hm'), Calls('delegate'))
TEXT_FIRST: Turn = (Thinks('hm'), 'let ', 'me', Calls('delegate'))


class TickingClock(FakeClock):
    """Each reading is a millisecond after the one before, so that no two moments are the same."""

    def monotonic(self) -> float:
        self.advance(0.001)
        return super().monotonic()


def unwatched(events: AsyncIterable[Any]) -> AsyncIterable[Any]:
    """The events themselves."""
    return events


@dataclass
class Leave:
    """Leaves a stream at one of its events: by a break, by closing it first, or by raising then."""

    how: str = 'break'
    at: int = -1
    left: bool = False
    watch: Callable[[Any], Any] = unwatched
    """What the stream is read through."""

    async def here(self, stream: object) -> bool:
        """Whether to break off at this event."""
        self.left = self.at == 0
        self.at -= 1
        close = getattr(stream, 'aclose', None)
        if self.left and self.how == 'close' and close is not None:
            await close()
        return self.left

    def then(self) -> None:
        """Raise, if it is left that way; nothing of the stream is in the traceback, which would keep it."""
        if self.left and self.how == 'raise':
            raise LookupError('enough')


# The ways to run an agent


async def run(agent: Agent[None, str], arguments: dict[str, Any], leave: Leave) -> object:
    return await agent.run('go', **arguments)


async def run_stream_events(agent: Agent[None, str], arguments: dict[str, Any], leave: Leave) -> None:
    async with agent.run_stream_events('go', **arguments) as events:
        watched = leave.watch(events)
        async for _ in watched:
            if await leave.here(watched):
                break
        del watched
        leave.then()


async def iterate(agent: Agent[None, str], arguments: dict[str, Any], leave: Leave) -> None:
    async with agent.iter('go', **arguments) as nodes:
        async for node in nodes:
            if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                async with node.stream(nodes.ctx) as events:
                    watched = leave.watch(events)
                    async for _ in watched:
                        if await leave.here(watched):
                            break
                    del watched
                    leave.then()
            if leave.left:
                break


async def run_stream(agent: Agent[None, str], arguments: dict[str, Any], leave: Leave) -> None:
    async with agent.run_stream('go', **arguments) as response:
        texts = response.stream_text(debounce_by=None)
        async for _ in texts:
            if await leave.here(texts):
                break
        del texts
        leave.then()


@dataclass
class Attempt:
    """One run of an agent whose tool runs another one, inside a span of the caller's."""

    door: str
    native: bool
    way: Way
    first: Turn = TOOL_FIRST
    leave: Leave = field(default_factory=Leave)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """May be that of earlier attempts, as it takes long to make."""
    counted_before: tuple[float, ...] = field(init=False)
    found: Traced = field(init=False)
    mistakes: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        sinks = [PrometheusSink(self.registry), UsageSink()]
        self.found = traced(clock=TickingClock(), sinks=sinks)
        self.counted_before = self.counted()
        if self.door == WATCH:
            self.leave.watch = self.found.tap.watch

    def samples(self, *endings: str) -> list[Sample]:
        """The samples of the metrics whose names end like that."""
        families = (family for family in self.registry.collect() if family.name.endswith(endings))
        return [sample for family in families for sample in family.samples if not sample.name.endswith('_created')]

    def counted(self) -> tuple[float, ...]:
        """How many runs, requests and calls Prometheus has, by now."""
        names = ('pydantic_ai_runs_total', 'pydantic_ai_requests_total', 'pydantic_ai_tool_calls_total')
        samples = self.samples(*(name.removesuffix('_total') for name in names))
        return tuple(sum(sample.value for sample in samples if sample.name == name) for name in names)

    def cancelled_after(self, steps: int) -> bool:
        """Cancel it after so many steps of the loop; whether it was over before."""
        return asyncio.run(self._drive(steps))

    def left(self) -> bool:
        """Run until it is over or left; whether it was left."""
        asyncio.run(self._drive(None))
        return self.leave.left

    async def _drive(self, steps: int | None) -> bool:
        task = asyncio.create_task(self._as_a_caller())
        for _ in range(steps or 0):
            await asyncio.sleep(0)
        is_over = task.done()
        if steps is not None:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        # A generator that was dropped is closed by the loop, in a task of its own.
        for _ in range(5):
            await asyncio.sleep(0)
        gc.collect(1)
        self.found.tap.flush()
        if self.found.tap.live() != Live():
            self.mistakes.append('something is still open')
        return is_over

    async def _as_a_caller(self) -> None:
        with self.found.provider.get_tracer('caller').start_as_current_span('request'):
            before = current_context()
            try:
                with contextlib.suppress(LookupError):
                    await self.way(*self._agent(), self.leave)
            finally:
                if current_context() != before:
                    self.mistakes.append('the context is not as before')

    def _agent(self) -> tuple[Agent[None, str], dict[str, Any]]:
        capabilities, arguments = plugged(self.found, self.door)
        inner = Agent(model(['in', 'ner']), name='inner', capabilities=capabilities)
        outer = Agent(model(self.first, ['do', 'ne']), name='outer', capabilities=capabilities)
        if self.native:
            inner.instrument = outer.instrument = self.found.native

        @outer.tool_plain
        async def delegate() -> str:  # pyright: ignore[reportUnusedFunction]
            return (await inner.run('go', **arguments)).output

        return outer, arguments


def current_context() -> tuple[object, dict[str, object]]:
    """The current span with what else OpenTelemetry keeps, and what the tap keeps."""
    tap = {var.name: value for var, value in contextvars.copy_context().items() if var.name.startswith('streamtap')}
    return dict(otel_context.get_current()), tap


def plugged(found: Traced, door: str) -> tuple[list[Any], dict[str, Any]]:
    """The capabilities of the agents and the arguments of their runs that plug the tap in."""
    if door == 'capability without streaming':
        return [found.tap.capability()], {}
    if door == WATCH:
        return [], {}
    if door == 'handler beside another':
        return [], {'event_stream_handler': found.tap.beside(read)}
    return found.plugged(door)


async def read(ctx: object, events: AsyncIterable[object]) -> None:
    async for _ in events:
        pass
