"""Paired measurement: every round runs each arm once, in an order that turns, and compares it with the base's own."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.arms import BASE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.arms import Arm
    from bench.workloads import Workload


@dataclass(frozen=True, slots=True)
class Added:
    """What an arm adds to the base: the median of the rounds, and the middle half of them."""

    measure: str
    unit: str
    arm: str
    base: float
    median: float
    low: float
    high: float

    def as_json(self) -> dict[str, str | float]:
        """The same, for a file."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def compared(measure: str, unit: str, seen: dict[str, list[float]]) -> list[Added]:
    """What each arm adds.

    Args:
        measure: What was measured.
        unit: In what.
        seen: A value for each round by arm, the base's among them.
    """
    base = seen[BASE.name]
    found: list[Added] = []
    for arm, values in seen.items():
        added = sorted(value - without for value, without in zip(values, base, strict=True))
        low, median, high = statistics.quantiles(added, n=4, method='inclusive') if len(added) > 1 else added * 3
        found.append(Added(measure, unit, arm, statistics.median(base), median, low, high))
    return found


def cpu(workload: Workload, arms: Sequence[Arm], rounds: int) -> list[Added]:
    """CPU microseconds of the whole process per unit of a workload, threads included."""

    def measured(one_round: Callable[[], Awaitable[object]]) -> float:
        async def go() -> float:
            gc.collect()
            started = time.process_time()
            await one_round()
            return (time.process_time() - started) / workload.units * 1e6

        return asyncio.run(go())

    prepared = {arm.name: workload.prepared(arm) for arm in arms}
    for one_round in prepared.values():
        measured(one_round)
    seen: dict[str, list[float]] = {name: [] for name in prepared}
    for turn in range(rounds):
        for name in turned(list(prepared), turn):
            seen[name].append(measured(prepared[name]))
    return compared(workload.name, f'µs of CPU per {workload.unit}', seen)


def turned(names: list[str], turn: int) -> list[str]:
    """The names in this round's order: no arm always runs after the same other."""
    start = turn % len(names)
    order = names[start:] + names[:start]
    return order if turn % 2 == 0 else order[::-1]
