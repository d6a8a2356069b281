"""Where a case happens: a paced server, agents with stamped tools, and a tap at one door."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from prometheus_client import CollectorRegistry, generate_latest
from pydantic_ai import Agent, RunUsage

from streamtap import PrometheusSink, Tap, UsageSink
from streamtap.testing import Capture, MemorySink
from support.paced_models import paced_client, paced_model
from truth.exposition import Scrape, scrape
from truth.wires import WireProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Generator, Mapping, Sequence

    from openai import AsyncOpenAI
    from pydantic_ai.models import Model

    from streamtap.testing import PacedProvider, Served
    from support.doors import Door
    from truth.case import Case


HANG = 0.2
"""Seconds after which a silence has to show."""


@dataclass(frozen=True)
class Stamp:
    """One execution of a tool, by its own clock."""

    tool: str
    started: float
    ended: float


@dataclass(frozen=True)
class Lasted:
    """A run, as whoever called it saw it."""

    started: float
    ended: float


@dataclass
class World:
    """What a case has at hand.

    Args:
        door: How the tap is attached.
        provider: The server.
        client: A client of it.
        options: Options of the tap.
        registry: Where it tells Prometheus.
    """

    door: Door
    provider: PacedProvider
    client: AsyncOpenAI
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    seen: Capture = field(init=False)
    """The tap and what it recorded."""
    stamps: list[Stamp] = field(default_factory=list[Stamp])
    runs: list[Lasted] = field(default_factory=list[Lasted])
    usages: dict[str, Any] = field(default_factory=dict[str, Any])
    """What pydantic-ai says that each run used, whether or not it had a result, by the run's id."""
    shares_usage: bool = False
    """Whether runs count into the usage of those that call them."""
    waiting: dict[int, float] = field(default_factory=dict[int, float])
    """When the waiting for a request began that the server saw later, by the request's number."""
    late: float = 0.0
    """Seconds by which the first chunk could be read later than it was sent, because the client stood still."""
    spent: dict[str, float] = field(default_factory=dict[str, float])
    """Seconds of a phase that the case measured itself."""
    scrapes: list[Scrape] = field(default_factory=list[Scrape])
    began: float = 0.0
    items: list[float] = field(default_factory=list[float])
    """When the reader of the run's output got each item."""
    left: float | None = None
    """When it left before the end."""

    def __post_init__(self) -> None:
        memory = MemorySink()
        sinks = [memory, UsageSink(), PrometheusSink(self.registry)]
        self.seen = Capture(Tap(sinks, **self.options), memory)

    def model(self, name: str = 'gpt-4.1-mini') -> Model:
        """A model that asks the server."""
        return paced_model(self.client, name)

    def agent(
        self,
        model: Model | None = None,
        *,
        tools: Sequence[Any] = (),
        capabilities: Sequence[Any] = (),
        name: str = 'truth',
        stream: bool = True,
        **options: Any,
    ) -> Agent[Any, Any]:
        """An agent, with the tap if the door is the capability.

        Args:
            model: The model, if it is not the server's usual one.
            tools: Its tools.
            capabilities: Other capabilities.
            name: Its name.
            stream: Whether the capability makes it stream.
            **options: Options of the agent.
        """
        taps = [self.seen.tap.capability(stream=stream)] if self.door == 'capability' else []
        return Agent(
            model or self.model(), name=name, tools=list(tools), capabilities=[*capabilities, *taps], **options
        )

    async def run(self, agent: Agent[Any, Any], prompt: str | None = 'hello', **options: Any) -> Any:
        """Run an agent as the door has it run, and give its result.

        Args:
            agent: The agent.
            prompt: What it is asked.
            **options: Options of the run.
        """
        self.shares_usage |= 'usage' in options
        usage = options.setdefault('usage', RunUsage())
        run_id = options.setdefault('run_id', uuid4().hex)
        started = time.perf_counter()
        try:
            if self.door == 'watch':
                async with agent.run_stream_events(prompt, **options) as events:
                    async for event in self.seen.tap.watch(events):
                        if event.event_kind == 'agent_run_result':
                            return event.result
                raise AssertionError('the events ended without a result')
            return await agent.run(prompt, **{**self.handler, **options})
        finally:
            self.runs.append(Lasted(started, time.perf_counter()))
            self.usages[run_id] = usage

    @property
    def handler(self) -> dict[str, Any]:
        """The argument of a run that attaches the tap, if the door is the handler."""
        return {'event_stream_handler': self.seen.tap} if self.door == 'handler' else {}

    async def served(self, requests: int = 1, *, chunks: int = 0) -> None:
        """Wait until the server has got so many requests, and sent so many chunks of the last.

        Args:
            requests: How many.
            chunks: How many; the client has got them, too.
        """
        while len(served := self.provider.served) < requests or len(served[-1].chunks) < chunks:  # noqa: ASYNC110 - another thread serves
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)

    async def read(self, items: AsyncIterable[Any], run_id: str | None = None) -> None:
        """Read the output of a run through the tap, and stamp each item.

        Args:
            items: The output.
            run_id: The run, where the tap cannot find it.
        """
        async for _ in self.seen.tap.watch(items, run_id=run_id):
            self.items.append(time.perf_counter())

    def keep(self, result: Any) -> Any:
        """Note what a result says of its usage, to be compared."""
        self.usages[result.run_id] = result.usage
        return result

    def tool(self, name: str, seconds: float = 0.05) -> Callable[[], Any]:
        """A tool that sleeps, and stamps when it began and ended.

        Args:
            name: Its name.
            seconds: How long it sleeps.
        """

        async def sleeps() -> str:
            with self.stamping(name):
                await asyncio.sleep(seconds)
            return f'{name} is done'

        sleeps.__name__ = name
        return sleeps

    @contextlib.contextmanager
    def stamping(self, tool: str, since: float | None = None) -> Generator[None]:
        """Stamp the execution of a tool, however it ends.

        Args:
            tool: Its name.
            since: When it began, if that was before.
        """
        started = time.perf_counter() if since is None else since
        try:
            yield
        finally:
            self.stamps.append(Stamp(tool, started, time.perf_counter()))

    @contextlib.contextmanager
    def spending(self, phase: str) -> Generator[None]:
        """Measure something that is to be in a phase of its own."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent[phase] = self.spent.get(phase, 0.0) + time.perf_counter() - started

    async def dawdle(self, seconds: float) -> None:
        """Be slow before or after a request, which is no time of the model's."""
        self.waiting.setdefault(len(self.provider.served), time.perf_counter())
        with self.spending('other'):
            await asyncio.sleep(seconds)

    async def scrape_hang(self) -> None:
        """Note what a scrape shows when the server has been silent for a while after a run that begins now."""
        self.began = time.perf_counter()
        await asyncio.sleep(HANG)
        shown = await self._scrape()
        for _ in range(20):
            # A busy machine may have been late with what came before the silence.
            if shown.shown != 'calm':
                break
            await asyncio.sleep(0.02)
            shown = await self._scrape()
        self.scrapes.append(shown)

    async def scrape_later(self) -> None:
        """Note what a scrape shows a while after."""
        self.began = time.perf_counter()
        await asyncio.sleep(HANG)
        self.scrapes.append(await self._scrape())

    async def _scrape(self) -> Scrape:
        return await scrape(self.registry, time.perf_counter() - self.began)


@dataclass(frozen=True)
class Happened:
    """What happened in a case, as far as the outside saw it.

    Args:
        served: What the server did.
        stamps: When tools ran.
        runs: When runs did that `World.run` made.
        usages: What pydantic-ai said that runs used, by their id.
        shares_usage: Whether that of a run has that of nested runs in it.
        raised: What came out of the case.
        waiting: When the waiting for a request began that the server saw later, by its number.
        late: Seconds by which the first chunk could be read later than it was sent.
        spent: What phases took, where the case measured it.
        scrapes: What scrapes showed while the case went on.
        exposition: What a scrape showed after it.
        items: When the reader of the run's output got each item.
        left: When it left before the end.
    """

    served: tuple[Served, ...]
    stamps: tuple[Stamp, ...]
    runs: tuple[Lasted, ...]
    usages: Mapping[str, Any]
    shares_usage: bool
    raised: BaseException | None
    waiting: dict[int, float]
    late: float
    spent: dict[str, float]
    scrapes: tuple[Scrape, ...]
    exposition: str
    items: tuple[float, ...] = ()
    left: float | None = None


def happened_in(world: World, served: tuple[Served, ...], raised: BaseException | None = None) -> Happened:
    """What happened, now that it has, and the tap is closed.

    Args:
        world: Where it did.
        served: What the server did.
        raised: What came out of it.
    """
    world.seen.tap.close()
    return Happened(
        served=served,
        stamps=tuple(world.stamps),
        runs=tuple(world.runs),
        usages=world.usages,
        shares_usage=world.shares_usage,
        raised=raised,
        waiting=world.waiting,
        late=world.late,
        spent=world.spent,
        scrapes=tuple(world.scrapes),
        exposition=generate_latest(world.registry).decode(),
        items=tuple(world.items),
        left=world.left,
    )


def happen(case: Case, door: Door) -> tuple[Happened, Capture]:
    """Let a case happen.

    Args:
        case: The case.
        door: How the tap is attached.
    """
    raised: BaseException | None = None

    async def main(provider: PacedProvider) -> World:
        nonlocal raised
        async with paced_client(provider) as client:
            world = World(door, provider, client, case.options)
            try:
                await case.drive(world)
            except Exception as error:
                raised = error
            # Whoever leaves events unread has the loop tell so.
            await asyncio.sleep(0)
        return world

    with WireProvider(case.script) as provider:
        world = asyncio.run(main(provider))
        return happened_in(world, provider.served, raised), world.seen
