"""Which run a call belongs to: known by its id since an earlier call, or opened now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._endings import Endings, weakly
from streamtap._handler_calls import LONGEST_WAIT, asked_at

if TYPE_CHECKING:
    from streamtap._current_run import CurrentRun
    from streamtap._endings import Watched
    from streamtap._records import Door
    from streamtap._runs import Runs
    from streamtap._surroundings import Surroundings

LONGEST_PREPARATION = 60.0
"""Seconds that instructions and the like can have taken before the handler is called."""


class HandlerRuns:
    """The runs of the doors that are called for one response or round of tools at a time.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        labels: The names of the user's own dimensions.
        settle_after: Seconds after which a run that was not called again is taken to be over.
        current: The run whose tools are being called here.
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
        """The run whose call begins, or `None` if another door or another copy of the tap measures it.

        Events that were read before and broken off are not measured again either.

        Args:
            ctx: The run's context.
            events: What the call is given to read.
            door: How the tap was attached.
            agent: What the user calls the agent, if it is not by its name.
        """
        try:
            if _upstream.in_temporal_workflow():
                return None
            who = _upstream.who(ctx)
            watched = self.endings.watched(who.run_id)
            is_restart = who.is_durable and who.step <= 1 and _upstream.model_call(ctx, events)
            if watched is not None and watched.step and is_restart:
                # The engine tries the run again from its start.
                self.endings.give_up(watched)
                watched = None
            if watched is not None and (watched.reads() is events or not self.endings.enter(watched)):
                return None
            self.endings.catch_up()
            if watched is None:
                watched = self._open(ctx, events, who if agent is None else replace(who, agent=agent), door)
            if watched is not None:
                watched.run.tool_manager = _upstream.tool_manager(ctx)
                watched.reads = weakly(events)
        except Exception as error:
            self._around.out.failed(door, error)
            return None
        return watched

    def leave(self, watched: Watched) -> None:
        """The call is over."""
        # Holding it would hold the run, and that it is let go of is how its end is told.
        watched.run.tool_manager = None
        self.endings.leave(watched)

    def _open(self, ctx: object, events: object, who: _upstream.Who, door: Door) -> Watched | None:
        now = self._around.clock.monotonic()
        at_most = LONGEST_WAIT if _upstream.is_primed(ctx, events) else LONGEST_PREPARATION
        asked = asked_at(self._around, ctx, now, at_most)
        parent = self._current.get()
        labels = _upstream.metadata_labels(ctx, self._labels, parent.owner.labels if parent is not None else {})
        if not who.run_id:
            return None
        run = self._runs.open(
            who,
            door,
            labels=labels,
            parent=parent,
            started=now if asked is None else asked,
            instrumented=_upstream.is_instrumented(ctx),
            call='first' if who.step <= 1 and _upstream.model_call(ctx, events) else 'later',
        )
        return None if run is None else self.endings.begin(run, _upstream.lifetime(ctx))
