"""A team's days in minutes: real agents with a real tap on a simulated clock, and what each scrape would see."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING
from unittest.mock import patch

from pydantic_ai.exceptions import ModelHTTPError

from answers.scripted_agents import Plan, agents_of, plan
from answers.simulated_time import SimulatedLoop
from answers.teams import HOUR
from streamtap import BaseSink, Objective, Tap, UsageSink
from streamtap._web.live_view import LiveView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from answers.teams import Team
    from answers.way import Way
    from streamtap import ResponseRecord, RunRecord, Sink, ToolRecord

DOLLARS_PER_TOKEN = 1e-5

PROMISED = Objective(first_output=1.0, duration=3.0)
"""What the users of every agent were promised: one run in some misses it."""


class Records(BaseSink):
    """Everything that was measured, exactly."""

    inline = True

    def __init__(self) -> None:
        self.runs: list[RunRecord] = []
        self.responses: list[ResponseRecord] = []
        self.tools: list[ToolRecord] = []

    def run_ended(self, record: RunRecord) -> None:
        self.runs.append(record)

    def response_ended(self, record: ResponseRecord) -> None:
        self.responses.append(record)

    def tool_ended(self, record: ToolRecord) -> None:
        self.tools.append(record)


@dataclass
class Pod:
    """One process of the team."""

    name: str
    tap: Tap
    usage: UsageSink
    page: LiveView
    records: Records
    ask: Callable[[Plan, str], asyncio.Task[None]]
    open: set[asyncio.Task[None]] = field(default_factory=set['asyncio.Task[None]'])


@dataclass
class World:
    """A team at work.

    Args:
        team: Which.
        began: When its time begins, in seconds since the epoch.
        way: How its metrics are stored; `None` if they are not.
        sinks: More sinks of every process.
        leaving: Called with each process that is there at the end.
    """

    team: Team
    began: float
    way: Way | None = None
    sinks: Sequence[Sink] = ()
    leaving: Callable[[Pod], object] = lambda _: None
    records: Records = field(default_factory=Records)

    @property
    def ended(self) -> float:
        """When its time ends."""
        return self.began + self.team.hours * HOUR

    def run(self) -> None:
        """Let the whole time pass."""
        self._loop = SimulatedLoop(self.began)
        self._draw = Random(self.team.seed)
        self._plans: dict[str, Plan] = {}
        self.pods: list[Pod] = []
        self._leaving: list[Pod] = []
        try:
            # What says when a series began reads the machine's clock.
            with patch('time.time', lambda: self._loop.unix_ns() / 1e9):
                self._loop.run_until_complete(self._main())
        finally:
            self._loop.close()

    async def _main(self) -> None:
        seconds = self.team.hours * HOUR
        self._replace_pods(0)
        tasks = [
            *([asyncio.create_task(self._store(self.way))] if self.way else []),
            *([asyncio.create_task(self._deploy(self.team.deploy_every * HOUR))] if self.team.deploy_every else []),
        ]
        # The last requests end before their metrics are stored for the last time.
        arrivals = sorted(self._draw.uniform(1.0, seconds - 120.0) for _ in range(self.team.requests))
        now = 0.0
        for number, arrival in enumerate(arrivals):
            await asyncio.sleep(arrival - now)
            now = arrival
            made = plan(self._draw, failing=self.team.failing, stopped=self.team.stopped)
            self._plans[str(number)] = made
            pod = self._draw.choice(self.pods)
            task = pod.ask(made, str(number))
            pod.open.add(task)
            task.add_done_callback(pod.open.discard)
        await asyncio.sleep(seconds - now)
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        for pod in self.pods:
            self.leaving(pod)
            pod.tap.close()

    @property
    def _now(self) -> float:
        return self.began + self._loop.time()

    async def _store(self, way: Way) -> None:
        while True:
            await asyncio.sleep(way.every)
            for pod in (*self.pods, *self._leaving):
                pod.tap.flush()
                way.stored(self._now, pod.name)

    async def _deploy(self, every: float) -> None:
        number = 0
        while True:
            await asyncio.sleep(every)
            number += 1
            old = self.pods
            self._leaving += old
            self._replace_pods(number)
            # As in a rolling deploy, the old processes finish what they began, and end after their next scrape: what is
            # counted after the last one is lost with the process, whatever is asked.
            for pod in old:
                await asyncio.gather(*pod.open, return_exceptions=True)
            # A second later: the scrape that finds the process gone is another one than its last.
            await asyncio.sleep(self.way.every + 1.0 if self.way else 0.0)
            for pod in old:
                self._leaving.remove(pod)
                pod.tap.close()
                if self.way:
                    self.way.ended(self._now, pod.name)

    def _replace_pods(self, generation: int) -> None:
        self.pods = [self._pod(f'pod-{generation}-{number}') for number in range(self.team.pods)]

    def _pod(self, name: str) -> Pod:
        usage, page, own = UsageSink(), LiveView(self._loop), Records()
        stored = [self.way.began(self._now, name)] if self.way else []
        sinks = [*stored, usage, page, own, self.records, *self.sinks]
        tap = Tap(sinks, clock=self._loop, price=_price, objective=PROMISED)
        agents = agents_of(tap, self._plans.__getitem__)

        async def asked(made: Plan, number: str) -> None:
            with suppress(ModelHTTPError, asyncio.TimeoutError), tap.question():
                await asyncio.wait_for(agents[made.agent].run(number), made.stopped_after)

        return Pod(name, tap, usage, page, own, lambda made, number: asyncio.create_task(asked(made, number)))


def _price(record: ResponseRecord, _: object) -> float:
    return DOLLARS_PER_TOKEN * ((record.input_tokens or 0) + 4 * (record.output_tokens or 0))
