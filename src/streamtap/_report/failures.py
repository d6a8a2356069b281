"""The runs that are drawn for failures: the newest of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.failed import failure_of
from streamtap._sinks.usage.failures import ended_ns, kind_of

if TYPE_CHECKING:
    from streamtap._records.records import FailureRecord
    from streamtap._records.run_tree import RunTree
    from streamtap._sinks.usage.figures import FailureUsage

MOST_KINDS = 500
"""Of how many kinds of failures a run is kept."""

MOST_HELD = 100_000
"""How many requests, tool calls, nested runs and parts of responses are kept of all runs that are drawn."""


class FailedRuns:
    """Keeps the newest run of each kind of failure, in bounded memory."""

    def __init__(self) -> None:
        self._newest: dict[FailureRecord, RunTree] = {}
        self._held = 0

    def add(self, tree: RunTree) -> None:
        """Add a run that no other run called; one that did not fail is ignored."""
        if (failed := failure_of(tree.run)) is None:
            return
        kind = kind_of(failed)
        known = self._newest.get(kind)
        if known is None and len(self._newest) >= MOST_KINDS:
            return
        if known is not None and ended_ns(known.run) > ended_ns(tree.run):
            return
        before = 0 if known is None else 1 + known.weight
        if self._held - before + 1 + tree.weight <= MOST_HELD:
            self._held += 1 + tree.weight - before
            self._newest[kind] = tree

    def example(self, group: FailureUsage) -> RunTree | None:
        """The newest run of a group of failures that could be kept."""
        kinds = (each for each in self._newest if _is_of(each, group))
        return next((self._newest[kind] for kind in kinds), None)


def _is_of(kind: FailureRecord, group: FailureUsage) -> bool:
    return (kind.agent, kind.error, kind.place, kind.name) == (group.agent, group.error, group.place, group.name)
