"""What goes otherwise than it should, in the chat format at each door."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from judges.agents import Tapped, model, run
from judges.answers import Asked, asked
from judges.said import said
from judges.servers import wire
from judges.trial import TRIES, TTFT, Served, Trial, answered
from support.doors import DOORS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
    from pathlib import Path

    from support.doors import Door

LONG = 4
"""The place of the longest answer."""

CHUNKS = 20
"""After how many chunks something happens to a stream."""

STARVED = 1.0
"""Seconds by which a starved client may see the first token late."""

HANG = 2.0
"""Seconds for which the server hangs."""

AT_ONCE = 3
"""How many agents ask the one slot of the server at once."""


@dataclass(frozen=True)
class Case:
    """A case at one door.

    Args:
        what: What happens.
        door: The door.
        expected: What has to be recorded.
        trials: Each response.
        faults: What is wrong.
    """

    what: str
    door: Door
    expected: str
    trials: Sequence[Trial]
    faults: Sequence[str]


def _case(what: str, door: Door, expected: str, trials: Sequence[Trial]) -> Case:
    return Case(what, door, expected, trials, [fault for trial in trials for fault in trial.faults])


class Cases:
    """The cases of one server.

    Args:
        served: The server.
        output: The file that gets what it prints.
    """

    def __init__(self, served: Served, output: Path) -> None:
        self._served = served
        self._server = served.server
        self._log = served.log
        self._asked_of = served.asked_of
        self._output = output

    async def shaped(self, shape: str) -> AsyncGenerator[Case]:
        """Streams that a proxy shapes: each speed is right or absent."""
        with wire(self._server.port, shape, self._output.parent) as log:
            served = Served(self._server, log, model('chat', log.port))
            async for case in Cases(served, self._output).plain(shape):
                yield case

    async def plain(self, what: str, first_token: float = TTFT) -> AsyncGenerator[Case]:
        """A long answer as it comes.

        Args:
            what: What is special about it.
            first_token: Seconds by which the time to first token may differ from the wire's.
        """
        for door in DOORS:
            question = asked('text to its end', LONG, self._server)
            yield _case(what, door, 'success', [await answered(question, door, self._served, first_token)])

    async def starved(self) -> AsyncGenerator[Case]:
        """Other work of the agents' process takes the event loop most of the time; its own delay is no error."""
        working = asyncio.create_task(_work())
        async for case in self.plain('A starved client: other work has the event loop for 15 of 20 ms', STARVED):
            yield case
        working.cancel()

    async def disturbed(self) -> AsyncGenerator[Case]:
        """What happens before or in the middle of an answer."""
        for what, expected, happening in (
            (f'{AT_ONCE} at once on one slot', 'success', self._queued),
            (f'The server hangs for {HANG:.0f} s', 'success, 1 stall', self._hanging),
            ('The caller cancels', 'cancelled', self._cancelled),
            ('The server is killed', 'error', self._killed),
            ('The prompt is longer than the context', 'error ModelHTTPError_400', self._overflowing),
        ):
            for door in DOORS:
                case = _case(what, door, expected, await happening(door))
                for _ in range(TRIES - 1):
                    if case.faults:
                        case = _case(what, door, expected, await happening(door))
                yield case

    async def _queued(self, door: Door) -> list[Trial]:
        """Several ask at once, and one after the other is answered: the wait is in the time to first token."""
        tapped = Tapped.new()
        questions = [asked('text to a limit', place, self._server) for place in range(AT_ONCE)]
        await asyncio.gather(*(run(question, self._asked_of, door, tapped) for question in questions))
        tapped.tap.close()
        # The later one was asked, the longer it waited.
        records = sorted(tapped.memory.responses, key=lambda record: record.time_to_first_token or 0.0)
        exchanges = sorted(self._log.new(AT_ONCE), key=lambda exchange: said(exchange).contents[0] - exchange.asked)
        trials = [Trial(record, exchange, door) for record, exchange in zip(records, exchanges, strict=True)]
        for trial in trials:
            trial.judge_times()
            trial.compare('outcome', trial.record.outcome, 'success')
        return trials

    async def _hanging(self, door: Door) -> list[Trial]:
        async def hang(running: asyncio.Task[None]) -> None:
            self._server.signal(signal.SIGSTOP)
            await asyncio.sleep(HANG)
            self._server.signal(signal.SIGCONT)

        trial = await self._midway(door, hang)
        silence = max(after - before for before, after in pairwise(said(trial.exchange).contents))
        trial.compare('outcome', trial.record.outcome, 'success')
        trial.compare('stalls', trial.record.stalls, 1)
        if abs(trial.record.stall_seconds - silence) > TTFT:
            trial.faults.append(f'a stall of {silence:.3f} s is recorded as {trial.record.stall_seconds:.3f} s')
        return [trial]

    async def _cancelled(self, door: Door) -> list[Trial]:
        async def cancel(running: asyncio.Task[None]) -> None:
            running.cancel()

        trial = await self._midway(door, cancel)
        trial.compare('outcome', trial.record.outcome, 'cancelled')
        trial.compare('finish reason', trial.record.finish_reason, 'cancelled')
        trial.compare('speed', trial.record.output_tokens_per_second, None)
        return [trial]

    async def _killed(self, door: Door) -> list[Trial]:
        async def kill(running: asyncio.Task[None]) -> None:
            self._server.signal(signal.SIGKILL)

        trial = await self._midway(door, kill)
        self._server.stop()
        self._server.start(self._output)
        trial.compare('outcome', trial.record.outcome, 'error')
        trial.compare('finish reason', trial.record.finish_reason, 'error')
        trial.compare('speed', trial.record.output_tokens_per_second, None)
        return [trial]

    async def _overflowing(self, door: Door) -> list[Trial]:
        tapped = Tapped.new()
        await _quietly(run(Asked('text to its end', 'a ' * 6000, 100, {}), self._asked_of, door, tapped))
        tapped.tap.close()
        trial = Trial(tapped.memory.responses[0], self._log.new(1)[0], door)
        seen = (trial.record.outcome, trial.record.error_type)
        trial.compare('outcome', seen, ('error', f'ModelHTTPError_{trial.exchange.status}'))
        return [trial]

    async def _midway(self, door: Door, disturb: Callable[[asyncio.Task[None]], Awaitable[None]]) -> Trial:
        """Let something happen to a stream after some chunks."""
        tapped = Tapped.new(stall_after=HANG / 2)
        question = asked('text to its end', LONG, self._server)
        running = asyncio.create_task(_quietly(run(question, self._asked_of, door, tapped)))
        await _enough(tapped)
        await disturb(running)
        await asyncio.wait([running])
        tapped.tap.close()
        trial = Trial(tapped.memory.responses[0], self._log.new(1)[0], door)
        if trial.ttft_error is not None and abs(trial.ttft_error) > TTFT:
            trial.faults.append(f'time to first token is off by {trial.ttft_error * 1e3:.0f} ms')
        return trial


async def _enough(tapped: Tapped) -> None:
    """Wait until so many chunks of a response have come."""
    while not any(response.chunks >= CHUNKS for response in tapped.tap.live().responses):  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def _work() -> None:
    while True:
        await asyncio.sleep(0.005)
        time.sleep(0.015)  # noqa: ASYNC251


async def _quietly(running: Coroutine[None, None, None]) -> None:
    with contextlib.suppress(Exception):
        await running
