"""Whether a run kept the objective of its agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from streamtap._records.failed import FAILED_RUNS
from streamtap._records.objective import Objective

if TYPE_CHECKING:
    from streamtap._records.records import RunOutcome
    from streamtap._records.words import ObjectivePart

Objectives: TypeAlias = Objective | Mapping[str, Objective]
"""One objective for all agents, or each agent's own by its name."""

PARTS = tuple(each.name for each in fields(Objective))


class Measured(NamedTuple):
    """What a run is judged by: in seconds and US dollars, `None` where it is not known.

    `stall` is its longest silence in the middle of a response; `first_output` and `duration` are until its end, if it
    ended before. `is_cost_whole` says that nothing is missing in `cost`.
    """

    first_output: float | None
    stall: float | None
    duration: float | None
    cost: float | None
    is_cost_whole: bool = True


class Judged(NamedTuple):
    """Whether an objective was met; `None` if that is not known, or does not count. `missed` is what was missed."""

    met: bool | None = None
    missed: tuple[ObjectivePart, ...] = ()


def checked_objectives(objectives: object) -> Mapping[str, Objective] | Objective | None:
    """The objectives, checked.

    Raises:
        TypeError: If they are neither an `Objective` nor a mapping of names of agents to them.
    """
    if objectives is None or isinstance(objectives, Objective):
        return objectives
    if not isinstance(objectives, Mapping):
        raise TypeError(
            f"objective must be an Objective, or a dict such as {{'agent': Objective(...)}}, not {objectives!r}"
        )
    kept: dict[str, Objective] = {}
    for agent, each in objectives.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(agent, str) or not isinstance(each, Objective):
            raise TypeError(f'objective must have names of agents, each with an Objective, not {agent!r}: {each!r}')
        kept[agent] = each
    return kept


def objective_of(objectives: Objectives | None, agent: str) -> Objective | None:
    """The objective of an agent, if it has one."""
    return objectives.get(agent) if isinstance(objectives, Mapping) else objectives


def judge(objective: Objective, outcome: RunOutcome, measured: Measured) -> Judged:
    """Judge a run that nobody called.

    Args:
        objective: What it has to keep.
        outcome: How it ended.
        measured: What is known of it.
    """
    limits = {name: limit for name in PARTS if (limit := getattr(objective, name)) is not None}
    values = {name: getattr(measured, name) for name in limits}
    over = [name for name, limit in limits.items() if values[name] is not None and values[name] > limit]
    missed: tuple[ObjectivePart, ...] = tuple(['failed'] * (outcome in FAILED_RUNS) + over)  # type: ignore[assignment]
    if missed:
        return Judged(met=False, missed=missed)
    is_known = None not in values.values() and (measured.is_cost_whole or objective.cost is None)
    return Judged(met=True if is_known and outcome == 'success' else None)
