"""Why runs failed, counted by agent, error and place."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamtap._records.known import greatest_known, least_known
from streamtap._sinks.label_cap import OTHER
from streamtap._web.groups import MAX_GROUPS

if TYPE_CHECKING:
    from streamtap._records.records import FailureRecord
    from streamtap._web.groups import Key


@dataclass(slots=True)
class Occurrences:
    """How often something happened, when first and last, in seconds of any clock, and in which steps; `None`: unknown."""

    count: int = 0
    first: float = float('inf')
    last: float = float('-inf')
    first_step: int | None = None
    last_step: int | None = None

    def add(self, at: float, step: int = 0) -> None:
        """Count it once more, in a step of its run that is 0 where it is not known."""
        self.absorb(Occurrences(1, at, at, step or None, step or None))

    def absorb(self, other: Occurrences) -> None:
        """Add what another one counted."""
        self.count += other.count
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.first_step = least_known(self.first_step, other.first_step)
        self.last_step = greatest_known(self.last_step, other.last_step)


class Errors:
    """Why runs failed since the beginning: the groups that were seen last, and the rest together."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, Occurrences] = OrderedDict()
        self._rest = Occurrences()

    def add(self, failed: FailureRecord, at: float) -> None:
        """Count why a run failed."""
        key = error_key(failed)
        self._groups.setdefault(key, Occurrences()).add(at, failed.step)
        self._groups.move_to_end(key)
        if len(self._groups) > MAX_GROUPS:
            self._rest.absorb(self._groups.popitem(last=False)[1])

    def groups(self) -> dict[Key, Occurrences]:
        """A copy of all groups."""
        every = [*self._groups.items(), *([((OTHER,) * 4, self._rest)] if self._rest.count else [])]
        return {key: replace(each) for key, each in every}


def error_key(failed: FailureRecord) -> Key:
    """The agent, the error, the kind of its place, and the place."""
    return (failed.agent, failed.error, failed.place, failed.name)
