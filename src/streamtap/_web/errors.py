"""Why runs failed, counted by agent, error and place."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._sinks.label_cap import OTHER
from streamtap._web.groups import MAX_GROUPS

if TYPE_CHECKING:
    from streamtap._display.verdict import Failure
    from streamtap._web.groups import Key


@dataclass(slots=True)
class Occurrences:
    """How often something happened, and when first and last, in seconds of any clock."""

    count: int = 0
    first: float = float('inf')
    last: float = float('-inf')

    def add(self, at: float) -> None:
        """Count it once more."""
        self.count += 1
        self.first = min(self.first, at)
        self.last = max(self.last, at)

    def absorb(self, other: Occurrences) -> None:
        """Add what another one counted."""
        self.count += other.count
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)


class Errors:
    """Why runs failed since the beginning: the groups that were seen last, and the rest together."""

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, Occurrences] = OrderedDict()
        self._rest = Occurrences()

    def add(self, failed: Failure, at: float) -> None:
        """Count why a run failed."""
        key = error_key(failed)
        self._groups.setdefault(key, Occurrences()).add(at)
        self._groups.move_to_end(key)
        if len(self._groups) > MAX_GROUPS:
            self._rest.absorb(self._groups.popitem(last=False)[1])

    def groups(self) -> dict[Key, Occurrences]:
        """A copy of all groups."""
        every = [*self._groups.items(), *([((OTHER,) * 4, self._rest)] if self._rest.count else [])]
        return {key: Occurrences(each.count, each.first, each.last) for key, each in every}


def error_key(failed: Failure) -> Key:
    """The agent, the error, the kind of its place, and the place."""
    return (failed.agent, failed.error, failed.place, failed.name)
