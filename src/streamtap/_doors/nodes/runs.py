"""Finds the run that a call belongs to, by its id, or opens it at its first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._doors.nodes.endings import Endings, weakly
from streamtap._doors.nodes.streams import LONGEST_WAIT, request_made_at
from streamtap._upstream import durable, run_context

if TYPE_CHECKING:
    from streamtap._doors.nodes.node_run import NodeRun
    from streamtap._records.records import Door
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Shared

LONGEST_PREPARATION = 60.0
"""Seconds that instructions and the like may have taken before the handler is called."""


class NodeRuns:
    """The runs of doors that are called for one response or one round of tool calls at a time.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        settle_after: Seconds without a call after which a run is taken to have ended.
    """

    def __init__(self, runs: Runs, shared: Shared, *, settle_after: float) -> None:
        self._runs = runs
        self._shared = shared
        self.endings = Endings(runs, shared, settle_after=settle_after)

    def enter(self, ctx: object, events: object, door: Door, *, agent: str | None = None) -> NodeRun | None:
        """The run that the beginning call belongs to; `None` if another door or another copy of the tap measures it.

        Also `None` for events that the run's previous call was given already.

        Args:
            ctx: The run's context.
            events: The events that the call is given.
            door: How the tap was attached.
            agent: The agent as the user named it, if it is not by its own name.
        """
        try:
            if durable.in_temporal_workflow():
                return None
            who, call = run_context.who(ctx), run_context.call_of(ctx, events)
            node_run = self.endings.node_run(who.run_id)
            is_restart = who.is_durable and who.step <= 1 and call.is_request
            if node_run is not None and node_run.step and is_restart:
                # The engine is retrying the run from its start.
                self.endings.give_up(node_run)
                node_run = None
            if node_run is not None and (node_run.last_events() is events or not self.endings.enter(node_run)):
                return None
            self.endings.catch_up()
            if node_run is None:
                node_run = self._open(ctx, call, who, door, agent)
            if node_run is not None:
                node_run.run.tools.manager = run_context.tool_manager(ctx)
                node_run.last_events = weakly(events)
                node_run.call = call
        except Exception as error:
            self._shared.out.failed(door, error)
            return None
        return node_run

    def leave(self, node_run: NodeRun) -> None:
        """The call is over."""
        # It would keep the run's lifetime object alive, whose release reveals the run's end.
        node_run.run.tools.manager = None
        self.endings.leave(node_run)

    def _open(
        self, ctx: object, call: run_context.Call, who: run_context.Who, door: Door, agent: str | None
    ) -> NodeRun | None:
        now = self._shared.clock.monotonic()
        at_most = LONGEST_WAIT if call.is_primed else LONGEST_PREPARATION
        asked = request_made_at(self._shared, ctx, now, at_most)
        is_first = who.step <= 1 and call.is_request
        started = now if asked is None else asked
        run = self._runs.open(ctx, who, door, started=started, call='first' if is_first else 'later', agent=agent)
        return None if run is None else self.endings.begin(run, ctx)
