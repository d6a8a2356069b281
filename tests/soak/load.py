"""Runs by the thousand: on one loop, and on several threads with a loop each."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextvars import ContextVar, copy_context
from random import Random
from typing import TYPE_CHECKING, Any

from soak.ledger import Ledger
from soak.loop_agents import LoopAgents, name
from soak.plan import draw
from soak.run_log import RunLog
from soak.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap import Tap


class Load:
    """Makes runs, and keeps what really happened.

    Args:
        tap: What everything is measured with.
        seed: Where chance comes from.
        concurrent: Runs that go on at once.
    """

    def __init__(self, tap: Tap, seed: str, concurrent: int) -> None:
        self._tap = tap
        self._seed = seed
        self._concurrent = concurrent
        self._lock = threading.Lock()
        self.ledger = Ledger()
        self.leaked_tasks = 0
        self.leaked_context = 0
        """Runs after which the context variables of their caller were not what they had been."""

    def run(self, numbers: range, *, loops: int) -> None:
        """Make these runs.

        Args:
            numbers: Which.
            loops: How many loops share them, each on a thread of its own.
        """
        threads = [
            threading.Thread(target=self._on_loop, args=(iter(numbers[place::loops]), self._concurrent // loops))
            for place in range(loops)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _on_loop(self, numbers: Iterator[int], concurrent: int) -> None:
        ledger = Ledger()
        leaked_tasks, leaked_context = asyncio.run(self._workers(numbers, concurrent, LoopAgents(self._tap, ledger)))
        with self._lock:
            self.ledger.update(ledger)
            self.leaked_tasks += leaked_tasks
            self.leaked_context += leaked_context

    async def _workers(self, numbers: Iterator[int], concurrent: int, loop_agents: LoopAgents) -> tuple[int, int]:
        leaked = await asyncio.gather(*(self._worker(numbers, loop_agents) for _ in range(concurrent)))
        # Whoever is left by its consumer is closed in the next turns of the loop.
        for _ in range(10):
            await asyncio.sleep(0)
        return sum(not _is_pydantic_ais(task) for task in asyncio.all_tasks()) - 1, sum(leaked)

    async def _worker(self, numbers: Iterator[int], loop_agents: LoopAgents) -> int:
        leaked = 0
        for number in numbers:
            before = dict(copy_context())
            rng = Random(f'{self._seed} {number}')
            way = rng.choice(WAYS)
            agent = name(way, 'planner')
            # What the run raises is entered in the ledger, and a run that is stopped is not its worker.
            with contextlib.suppress(Exception, asyncio.CancelledError):
                await loop_agents.run(way, RunLog(draw(rng), agent, agent, rng, number))
            leaked += _differs(before, dict(copy_context()))
        return leaked


def _differs(before: dict[ContextVar[Any], object], after: dict[ContextVar[Any], object]) -> bool:
    """Whether a variable has another value than before; libraries give some of theirs a first one at any time."""
    new = after.keys() - before.keys()
    return any(after[var] is not value for var, value in before.items()) or any(
        var.name.startswith('streamtap') for var in new
    )


def _is_pydantic_ais(task: asyncio.Task[object]) -> bool:
    """Whether the task is one in which pydantic-ai waits for ever when a run is cancelled in its first steps."""
    return getattr(task.get_coro(), '__qualname__', '').startswith('ScopedTask.')
