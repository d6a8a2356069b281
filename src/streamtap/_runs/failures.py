"""Why a run failed, and where: decided from what failed in it, and in the runs that it called."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.names import clean
from streamtap._records.failed import FAILED_RUNS
from streamtap._records.records import FailureRecord

if TYPE_CHECKING:
    from streamtap._records.records import FailurePlace, RunOutcome

MOST_REMEMBERED = 16
"""How many failures of different types, and of called runs, are remembered of a run."""


class _Failed(NamedTuple):
    """A request or a tool call that failed; times are on the monotonic clock."""

    place: FailurePlace
    name: str
    step: int
    began: float
    ended: float


@dataclass(slots=True)
class FailuresOfRun:
    """What failed in one run so far: the last of each type of error."""

    _by_error: dict[str | None, _Failed] = field(default_factory=dict[str | None, _Failed])
    _called: list[tuple[float, FailureRecord]] = field(default_factory=list[tuple[float, FailureRecord]])
    _interrupted: _Failed | None = None
    _last_step: int = 0

    def step(self, step: int) -> None:
        """A request or a tool call of that step is over."""
        self._last_step = max(self._last_step, step)

    def add(
        self,
        place: FailurePlace,
        name: str,
        *,
        step: int,
        error_type: str | None,
        began: float = 0.0,
        ended: float = 0.0,
    ) -> None:
        """A request failed, or a tool call failed or was sent back, which ends a run if it happens once too often.

        Args:
            place: What failed.
            name: Its name.
            step: In which step.
            error_type: The type of the exception, if there was one.
            began: When it began.
            ended: When it failed.
        """
        self._by_error.pop(error_type, None)
        if len(self._by_error) == MOST_REMEMBERED:
            # What ends the run comes last.
            del self._by_error[next(iter(self._by_error))]
        self._by_error[error_type] = _Failed(place, name, step, began, ended)

    def interrupted(self, place: FailurePlace, name: str, *, step: int) -> None:
        """A request ended because its run's time was up, or a tool call because its run ended or another one ended it.

        Args:
            place: What ended.
            name: Its name.
            step: In which step.
        """
        self._interrupted = _Failed(place, name, step, inf, inf)

    def called_run(self, began: float, failure: FailureRecord) -> None:
        """A run that this one called failed.

        Args:
            began: When it began.
            failure: Why.
        """
        self._called = [*self._called[1 - MOST_REMEMBERED :], (began, failure)]

    def of_run(self, agent: str, outcome: RunOutcome, error_type: str | None) -> FailureRecord | None:
        """Why the run failed; `None` if it did not.

        What ended it is the last that failed with the run's own error, else what failed in its last step. A called run
        that failed while that tool ran is the cause. A run whose time was up failed in the request or the tool that this
        interrupted.

        Args:
            agent: The run's agent.
            outcome: How it ended.
            error_type: The type of the exception that ended it, if one did.
        """
        if outcome not in FAILED_RUNS:
            return None
        error = error_type or outcome
        failed = None if error_type is None else self._by_error.get(error_type)
        if failed is None and outcome == 'error':
            failed = next((each for each in reversed(self._by_error.values()) if each.step == self._last_step), None)
        if outcome == 'timeout' and (failed is None or failed.step < self._last_step):
            failed = self._timed_out() or failed
        if failed is None:
            return FailureRecord(agent=agent, error=error)
        if failed.place == 'tool':
            for began, failure in reversed(self._called):
                if failed.began <= began <= failed.ended:
                    return failure
        return FailureRecord(agent=agent, error=error, place=failed.place, name=clean(failed.name), step=failed.step)

    def _timed_out(self) -> _Failed | None:
        """What was interrupted in the last step, if there is anything; of several the last."""
        interrupted = self._interrupted
        return interrupted if interrupted is not None and interrupted.step == self._last_step else None
