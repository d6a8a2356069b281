"""How far a case was from what happened: one row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.doors import Door
    from truth.case import Case, Expected


@dataclass(frozen=True)
class Bounds:
    """How far a number may be from the truth.

    Args:
        first_token: Seconds; also for what a run takes until its first output, and until its end.
        gap: Seconds, for the median gap of a response.
        speed: Share of the tokens per second.
        tool: Seconds, for the duration of a tool.
        phase: Seconds, for a phase that the case measured, and for the age of an open run.
        phases: Seconds by which the phases of a run may miss its duration.
        steady: Whether the machine is quiet enough that the speed of a short answer is certain.
    """

    first_token: float
    gap: float
    speed: float
    tool: float
    phase: float
    phases: float = 0.001
    steady: bool = True


TIGHT = Bounds(first_token=0.040, gap=0.002, speed=0.01, tool=0.010, phase=0.060)
GENEROUS = Bounds(first_token=0.2, gap=0.02, speed=0.25, tool=0.2, phase=0.2, steady=False)
"""For a machine that does other things as well."""


@dataclass(frozen=True)
class Reader:
    """What the reader of a run's output saw, in seconds of the run, and by how much that is off.

    Args:
        first_token: When the model's first output came.
        first_item: When the reader's first item came.
        failed_partials: How many outputs failed to validate because they were not complete.
        stop: For how long the response went on after the reader had left.
        chunks: How many chunks pydantic-ai read by then.
        error: The largest error, in seconds.
    """

    first_token: float | None
    first_item: float | None
    failed_partials: int | None
    stop: float | None
    chunks: int | None
    error: float


@dataclass
class Row:
    """A case at one door: the largest error of each number (seconds, shares), and what is wrong."""

    case: Case
    door: Door
    bounds: Bounds
    first_token: float | None = None
    gap: float | None = None
    speed: float | None = None
    tool: float | None = None
    phases: float | None = None
    first_output: float | None = None
    duration: float | None = None
    reader: Reader | None = None
    seen: str = ''
    faults: list[str] = field(default_factory=list[str])

    @property
    def expected(self) -> Expected:
        """What the door had to record."""
        return self.case.expected[self.door]


def equal(row: Row, what: str, seen: object, expected: object) -> None:
    if seen != expected:
        row.faults.append(f'{what}: {seen!r} instead of {expected!r}')


def near(row: Row, what: str, seen: float | None, true: float | None, bound: float) -> None:
    if (seen is None) != (true is None) or abs((seen or 0.0) - (true or 0.0)) > bound:
        row.faults.append(f'{what}: {seen!r} instead of {true!r}')


def is_known(expected: bool | tuple[bool, ...], place: int) -> bool:  # noqa: FBT001
    return expected if isinstance(expected, bool) else expected[place]
