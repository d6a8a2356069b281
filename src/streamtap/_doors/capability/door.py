"""The tap's side of the capability door: opens the runs that are to be measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._delivery.guard import guarded
from streamtap._doors.capability.run import WHERE, CapabilityRun
from streamtap._upstream import durable, run_context

if TYPE_CHECKING:
    from streamtap._runs.caller import CurrentRun
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Surroundings


class CapabilityDoor:
    """Opens runs for the capability.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        labels: The names of the user's own dimensions.
        current: The run whose tool is executing in the current context.
    """

    def __init__(self, runs: Runs, around: Surroundings, *, labels: tuple[str, ...], current: CurrentRun) -> None:
        self._runs = runs
        self._around = around
        self._labels = labels
        self._current = current
        self.now = around.clock.monotonic

    def measures_here(self) -> bool:
        """Whether runs are measured in this context: not in a Temporal workflow, which may be replayed at any time."""
        with guarded(self._around.out, WHERE):
            return not durable.in_temporal_workflow()
        return True

    def open(self, ctx: object, entered: float | None) -> CapabilityRun | None:
        """Open the run that begins here; `None` if another door or another copy of the capability measures it.

        Args:
            ctx: The run's context.
            entered: When the run requested its copy of the capability, before it queued for a slot.
        """
        with guarded(self._around.out, WHERE):
            who = run_context.who(ctx)
            if not who.run_id:
                return None
            started = self.now()
            parent = self._current.get()
            labels = run_context.metadata_labels(ctx, self._labels, parent.owner.labels if parent is not None else {})
            run = self._runs.open(
                who,
                WHERE,
                labels=labels,
                parent=parent,
                started=started,
                instrumented=run_context.is_instrumented(ctx),
                call='first',
            )
            if run is None:
                return None
            if entered is not None and run_context.waits_for_slot(ctx):
                run.phases.queue = started - entered
            opened = CapabilityRun(run, self._runs, self._around, self._current)
            opened.end_with_task(ctx)
            return opened
        return None
