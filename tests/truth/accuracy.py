"""How far the numbers of many streams are from the truth, at the median and at the worst, against the targets."""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamtap.testing import Call, PacedProvider
from support.doors import DOORS
from support.paced_models import paced_client
from truth.case import Case, Expected
from truth.judge import judge
from truth.replies import tools_then_text
from truth.row import TIGHT
from truth.world import World, happened_in

if TYPE_CHECKING:
    from support.doors import Door
    from truth.row import Row

SCRIPT = tools_then_text(Call('nap', {}, id='n'))
STREAMS_OF_A_RUN = 2


@dataclass(frozen=True)
class Target:
    """How far a number may be off.

    Args:
        name: What the number is.
        field: Where a row has its error.
        median: At the median.
        worst: At the worst; `None` where nobody set a bound.
        unit: How it is shown: milliseconds or percent.
    """

    name: str
    field: str
    median: float
    worst: float | None
    unit: str


@dataclass(frozen=True)
class Figure:
    """The errors of one number at one door."""

    target: Target
    door: Door
    errors: tuple[float, ...] = field(repr=False)

    @property
    def is_met(self) -> bool:
        """Whether the errors are within the target."""
        worst = self.target.worst
        median_met = statistics.median(self.errors) <= self.target.median
        return median_met and (worst is None or max(self.errors) <= worst)

    def cells(self) -> tuple[str, ...]:
        """For a table: number, door, median, worst, the target."""
        worst = '-' if self.target.worst is None else self._shown(self.target.worst)
        return (
            self.target.name,
            self.door,
            self._shown(statistics.median(self.errors)),
            self._shown(max(self.errors)),
            f'{self._shown(self.target.median)}, {worst}',
            '' if self.is_met else 'MISSED',
        )

    def _shown(self, value: float) -> str:
        return f'{value:.2%}' if self.target.unit == '%' else f'{value * 1e3:.2f} ms'


def targets(door: Door) -> tuple[Target, ...]:
    """What is aimed at, at one door: a tool is seen from outside except by the capability."""
    return (
        Target('time to first token', 'first_token', 0.015, 0.040, 'ms'),
        Target('median gap', 'gap', 0.002, None, 'ms'),
        Target('tokens per second', 'speed', 0.01, None, '%'),
        Target('tool duration', 'tool', 0.003 if door == 'capability' else 0.010, None, 'ms'),
        Target('phases', 'phases', 0.001, 0.001, 'ms'),
    )


def warm_up() -> None:
    """Ask once at each door: the first request of a process pays for imports."""
    for door in DOORS:
        _rows(door, 1)


def accuracy(streams: int) -> list[Figure]:
    """The errors over that many streams at each door.

    Args:
        streams: How many; every second one calls a tool.
    """
    figures: list[Figure] = []
    for door in DOORS:
        rows = _rows(door, max(1, streams // STREAMS_OF_A_RUN))
        figures += [Figure(target, door, _errors(rows, target)) for target in targets(door)]
    return figures


def _errors(rows: list[Row], target: Target) -> tuple[float, ...]:
    found: list[float | None] = [getattr(row, target.field) for row in rows]
    return tuple(error for error in found if error is not None)


def _rows(door: Door, runs: int) -> list[Row]:
    """Run the same agent again and again over one connection, and judge each run."""
    expected: dict[Door, Expected] = {door: Expected(requests=('success', 'success'), tools=('nap success',))}

    async def main(provider: PacedProvider) -> list[Row]:
        rows: list[Row] = []
        async with paced_client(provider) as client:
            for _ in range(runs):
                before = len(provider.served)
                world = World(door, provider, client)
                await world.run(world.agent(tools=[world.tool('nap', 0.1)]))
                await asyncio.sleep(0)
                happened = happened_in(world, provider.served[before:])
                rows.append(judge(_case(expected), door, happened, world.seen, TIGHT))
        return rows

    with PacedProvider(SCRIPT) as provider:
        return asyncio.run(main(provider))


def _case(expected: dict[Door, Expected]) -> Case:
    async def nothing(_: World) -> Any:
        return None

    return Case('Accuracy', 'a tool, then a text', nothing, SCRIPT, expected, {})
