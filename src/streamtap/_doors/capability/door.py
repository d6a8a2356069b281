"""One capability's side of the door: the runs that begin through it, and those that are being measured."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks
from streamtap._delivery.guard import guarded
from streamtap._doors.capability.run import WHERE, CapabilityRun
from streamtap._upstream import durable, run_context

if TYPE_CHECKING:
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Shared

MAX_ENTERED = 10_000
"""How many runs can wait for a slot at once; past it the time in the queue of the oldest is not known."""


class CapabilityDoor:
    """Opens runs for one capability, and finds them for its hooks.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        caller: The run whose tool is executing in the current context.
        agent: What the agent is called here; `None` for its own name.
    """

    def __init__(self, runs: Runs, shared: Shared, caller: Caller, agent: str | None) -> None:
        self._agent = agent
        self._runs = runs
        self._shared = shared
        self._caller = caller
        self._now = shared.clock.monotonic
        self._entered: OrderedDict[object, float] = OrderedDict()
        self._open: dict[object, CapabilityRun] = {}
        tell_forks(self)

    def forked(self) -> None:
        """Forget the parent's runs."""
        self._entered.clear()
        self._open.clear()

    def enter(self, ctx: object) -> bool:
        """A run asks for its capabilities, before it queues for a slot if its agent limits concurrent runs.

        This one may serve it unless the run has it twice, or is in a Temporal workflow, which may be replayed any time.
        """
        with guarded(self._shared.out, WHERE):
            run_id = run_context.run_id(ctx)
            if durable.in_temporal_workflow() or run_id in self._entered:
                return False
            self._entered[run_id] = self._now()
            if len(self._entered) > MAX_ENTERED:
                self._entered.popitem(last=False)
        return True

    def open(self, ctx: object) -> CapabilityRun | None:
        """Open the run that begins here; `None` if another door or another capability of the tap measures it."""
        with guarded(self._shared.out, WHERE):
            who = run_context.who(ctx)
            run_id = who.run_id
            started = now = self._now()
            entered = self._entered.pop(run_id, None)
            if entered is not None and run_context.waits_for_slot(ctx):
                # Whoever asked for the run has been waiting since then.
                started = entered
            run = self._runs.open(ctx, who, WHERE, started=started, call='first', agent=self._agent)
            if run is None:
                return None
            run.phases.add('queue', now - started)
            opened = CapabilityRun(run, self._runs, self._shared, self._caller, partial(self._open.pop, run_id, None))
            self._open[run_id] = opened
            opened.end_with_task(ctx)
            return opened
        return None

    def get(self, ctx: object) -> CapabilityRun | None:
        """The run that a hook is called for, if it is measured here and not over."""
        with guarded(self._shared.out, WHERE):
            return self._open.get(run_context.run_id(ctx))
        return None
