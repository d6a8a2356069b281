"""Finds the run that a call belongs to, by its id, or opens it at its first call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._doors.nodes.endings import Endings, weakly
from streamtap._doors.nodes.streams import LONGEST_WAIT, request_made_at
from streamtap._upstream import durable, run_context

if TYPE_CHECKING:
    from streamtap._doors.nodes.endings import Watched
    from streamtap._records.records import Door
    from streamtap._runs.caller import CurrentRun
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Surroundings

LONGEST_PREPARATION = 60.0
"""Seconds that instructions and the like may have taken before the handler is called."""


class HandlerRuns:
    """The runs of doors that are called for one response or one round of tool calls at a time.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        labels: The names of the user's own dimensions.
        settle_after: Seconds without a call after which a run is taken to have ended.
        current: The run whose tool is executing in the current context.
    """

    def __init__(
        self,
        runs: Runs,
        around: Surroundings,
        *,
        labels: tuple[str, ...],
        settle_after: float,
        current: CurrentRun,
    ) -> None:
        self._runs = runs
        self._around = around
        self._labels = labels
        self._current = current
        self.endings = Endings(runs, around, settle_after=settle_after)

    def enter(self, ctx: object, events: object, door: Door, *, agent: str | None = None) -> Watched | None:
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
            who = run_context.who(ctx)
            watched = self.endings.watched(who.run_id)
            is_restart = who.is_durable and who.step <= 1 and run_context.model_call(ctx, events)
            if watched is not None and watched.step and is_restart:
                # The engine is retrying the run from its start.
                self.endings.give_up(watched)
                watched = None
            if watched is not None and (watched.last_events() is events or not self.endings.enter(watched)):
                return None
            self.endings.catch_up()
            if watched is None:
                watched = self._open(ctx, events, who if agent is None else replace(who, agent=agent), door)
            if watched is not None:
                watched.run.tool_manager = run_context.tool_manager(ctx)
                watched.last_events = weakly(events)
        except Exception as error:
            self._around.out.failed(door, error)
            return None
        return watched

    def leave(self, watched: Watched) -> None:
        """The call is over."""
        # It would keep the run's lifetime object alive, whose release reveals the run's end.
        watched.run.tool_manager = None
        self.endings.leave(watched)

    def _open(self, ctx: object, events: object, who: run_context.Who, door: Door) -> Watched | None:
        now = self._around.clock.monotonic()
        at_most = LONGEST_WAIT if run_context.is_primed(ctx, events) else LONGEST_PREPARATION
        asked = request_made_at(self._around, ctx, now, at_most)
        parent = self._current.get()
        labels = run_context.metadata_labels(ctx, self._labels, parent.owner.labels if parent is not None else {})
        if not who.run_id:
            return None
        run = self._runs.open(
            who,
            door,
            labels=labels,
            parent=parent,
            started=now if asked is None else asked,
            instrumented=run_context.is_instrumented(ctx),
            call='first' if who.step <= 1 and run_context.model_call(ctx, events) else 'later',
        )
        return None if run is None else self.endings.begin(run, run_context.lifetime(ctx))
