"""The runs that failed, grouped by agent, error and place, in bounded memory."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streamtap._base.clock import after
from streamtap._base.names import clean
from streamtap._records.failed import failure_of
from streamtap._records.known import greatest_known, least_known
from streamtap._records.records import FailureRecord
from streamtap._sinks.label_cap import OTHER

if TYPE_CHECKING:
    from streamtap._records.records import RunRecord

MOST_EXAMPLES = 3
"""How many of the latest runs of a group are named."""

_OTHER = FailureRecord(agent=OTHER, error=OTHER)


@dataclass(slots=True)
class FailureGroup:
    """How many runs failed so, in which steps, when, and the newest of them, as a heap."""

    first_ns: int
    last_ns: int
    runs: int = 0
    first_step: int | None = None
    last_step: int | None = None
    newest: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def add(self, run_id: str, ended_ns: int, step: int | None) -> None:
        self.runs += 1
        self.first_ns, self.last_ns = min(self.first_ns, ended_ns), max(self.last_ns, ended_ns)
        self.first_step, self.last_step = least_known(self.first_step, step), greatest_known(self.last_step, step)
        heapq.heappush(self.newest, (ended_ns, run_id))
        if len(self.newest) > MOST_EXAMPLES:
            heapq.heappop(self.newest)


class FailureGroups:
    """Groups runs that failed.

    Args:
        most: How many groups there can be before further failures are counted together as `_other`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._groups: dict[FailureRecord, FailureGroup] = {}

    def add(self, run: RunRecord) -> None:
        """Add a run that no other run called; one that did not fail is ignored."""
        if (failed := failure_of(run)) is None:
            return
        kind = kind_of(failed)
        if kind not in self._groups and len(self._groups) >= self._most:
            kind = _OTHER
        ended = ended_ns(run)
        self._groups.setdefault(kind, FailureGroup(ended, ended)).add(clean(run.run_id), ended, failed.step or None)

    def groups(self) -> list[tuple[FailureRecord, FailureGroup]]:
        """The groups, the largest first, and of those that are equally large the newest."""
        return sorted(self._groups.items(), key=lambda each: (-each[1].runs, -each[1].last_ns))


def kind_of(failed: FailureRecord) -> FailureRecord:
    """What failures of a group have in common: all but the step, with names that are safe to export."""
    return replace(failed, agent=clean(failed.agent), error=clean(failed.error), name=clean(failed.name), step=0)


def ended_ns(run: RunRecord) -> int:
    """When a run ended, in nanoseconds since the Unix epoch; when it began, where that is not known."""
    return after(run.started_ns, run.duration or 0.0)
