"""All doors of one tap, which share its open runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._doors.capability.door import CapabilityDoor
from streamtap._doors.handler.door import HandlerDoor
from streamtap._doors.handler.durable_unit import DurableUnits
from streamtap._doors.nodes.runs import NodeRuns
from streamtap._doors.nodes.streams import NodeStreams
from streamtap._doors.watch.door import WatchDoor
from streamtap._runs.caller import Caller
from streamtap._runs.registry import Runs

if TYPE_CHECKING:
    from streamtap._records.live import Live
    from streamtap._runs.shared import Shared
    from streamtap._runs.user_labels import LabelNames


class Doors:
    """The doors of a tap.

    Args:
        shared: What all runs share.
        labels: The names of the user's own dimensions.
        loop_lag_every: Seconds between two measurements of the event loop's lag; `None` for none.
        settle_after: Seconds without any sign of life after which a run of the handler door is taken to be over.
    """

    def __init__(
        self, shared: Shared, labels: LabelNames, *, loop_lag_every: float | None, settle_after: float
    ) -> None:
        self._shared = shared
        self._caller = Caller()
        self._runs = Runs(shared, labels, self._caller, loop_lag_every)
        node_runs = NodeRuns(self._runs, shared, settle_after=settle_after)
        streams = NodeStreams(shared, self._caller)
        self._endings = node_runs.endings
        self.handler = HandlerDoor(shared, node_runs, streams, DurableUnits(shared, self._runs))
        self.watch = WatchDoor(shared, self._runs, node_runs, streams, self._caller)

    def capability(self, agent: str | None) -> CapabilityDoor:
        """A capability's side of its door; the agent has its own name if `agent` is `None`."""
        return CapabilityDoor(self._runs, self._shared, self._caller, agent)

    def live(self) -> Live:
        """A snapshot of what is open now."""
        self.watch.catch_up()
        self._endings.catch_up()
        return self._runs.live(self._endings.idle())

    def search(self) -> None:
        """Report the runs that are over, including those that only a garbage collection reveals."""
        self._search(2)

    def search_quickly(self) -> None:
        """The same, by a garbage collection of what is young."""
        self._search(1)

    def report_open(self) -> None:
        """Report every run; those that are known to be over are not reported as incomplete."""
        self.search()
        self._endings.close()
        self.watch.catch_up()
        self._runs.close()

    def _search(self, generation: int) -> None:
        self.watch.search(generation)
        self._endings.search(generation)
