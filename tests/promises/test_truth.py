"""Every way to run an agent and every way a run can end, against the server's clock and the tools' own.

Each at one of its doors, by turns, and with generous bounds, as a busy machine must not fail them: `make truth` has
every door and the tight ones.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

import pytest
from pydantic_ai import Agent

from support.doors import DOORS
from truth.case import Case, Expected
from truth.cases import all_cases
from truth.judge import tried
from truth.replies import TEXT
from truth.row import GENEROUS
from truth.world import happen

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Iterator

    from support.doors import Door
    from truth.world import World


def by_turns() -> Iterator[tuple[Case, Door]]:
    """Each case at one of its doors."""
    doors: dict[str, list[tuple[Case, Door]]] = {}
    for case, door in all_cases():
        doors.setdefault(f'{case.group}: {case.name}', []).append((case, door))
    for turn, found in enumerate(doors.values()):
        yield found[turn % len(found)]


@pytest.fixture(scope='module', autouse=True)
def small_heap() -> Iterator[None]:
    """Without what pytest and the imports hold, the garbage collector stops nobody for a fifth of a second."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    ('case', 'door'), [pytest.param(case, door, id=f'{case.group}: {case.name} [{door}]') for case, door in by_turns()]
)
def test_what_is_recorded_is_true(case: Case, door: Door):
    """Outcomes, counts, tokens and cost exactly; times within the bounds; absent where nobody can know."""
    assert tried(case, door, GENEROUS).faults == []


@pytest.mark.parametrize('door', DOORS)
def test_nobody_waits_for_the_tap(door: Door):
    """A run takes as long as the server does, with the tap or without: the best of three."""

    async def seconds(run: Awaitable[object]) -> float:
        started = time.perf_counter()
        await run
        return time.perf_counter() - started

    async def read(ctx: object, events: AsyncIterable[object]) -> None:
        async for _ in events:
            pass

    async def drive(w: World) -> None:
        for _ in range(3):
            alone.append(await seconds(Agent(w.model()).run('hello', event_stream_handler=read)))
            tapped.append(await seconds(w.run(w.agent())))

    alone: list[float] = []
    tapped: list[float] = []
    happen(Case('Cost', 'a text', drive, [TEXT] * 6, {door: Expected()}, {}), door)
    assert min(tapped) < 1.25 * min(alone)
