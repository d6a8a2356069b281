"""The tap's side of the capability door: opens the runs that are to be measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._delivery.guard import guarded
from streamtap._doors.capability.run import WHERE, CapabilityRun
from streamtap._upstream import durable, run_context

if TYPE_CHECKING:
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Shared


class CapabilityDoor:
    """Opens runs for the capability.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        caller: The run whose tool is executing in the current context.
    """

    def __init__(self, runs: Runs, shared: Shared, caller: Caller) -> None:
        self._runs = runs
        self._shared = shared
        self._caller = caller
        self.now = shared.clock.monotonic

    def measures_here(self) -> bool:
        """Whether runs are measured in this context: not in a Temporal workflow, which may be replayed at any time."""
        with guarded(self._shared.out, WHERE):
            return not durable.in_temporal_workflow()
        return True

    def open(self, ctx: object, entered: float | None) -> CapabilityRun | None:
        """Open the run that begins here; `None` if another door or another copy of the capability measures it.

        Args:
            ctx: The run's context.
            entered: When the run requested its copy of the capability, before it queued for a slot.
        """
        with guarded(self._shared.out, WHERE):
            started = self.now()
            run = self._runs.open(ctx, WHERE, started=started, call='first')
            if run is None:
                return None
            if entered is not None and run_context.waits_for_slot(ctx):
                run.phases.queue = started - entered
            opened = CapabilityRun(run, self._runs, self._shared, self._caller)
            opened.end_with_task(ctx)
            return opened
        return None
