"""A whole run, seen through one stream with the events of all its responses and tools, which carry no names."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from streamtap._delivery.guard import guarded
from streamtap._doors.nodes.endings import weakly
from streamtap._doors.tool_round import ToolRound
from streamtap._doors.watch.inferred_requests import InferredRequests
from streamtap._doors.watch.known_requests import KnownRequests
from streamtap._upstream import event_sources, outcomes, run_context
from streamtap._upstream.model_responses import named_model
from streamtap._upstream.reading import read
from streamtap._upstream.run_behind import is_generator, run_behind

if TYPE_CHECKING:
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.watch.names import Names
    from streamtap._doors.watch.requests import Requests
    from streamtap._records.records import RunOutcome
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared
    from streamtap._upstream.model_responses import AskedModel
    from streamtap._upstream.run_behind import RunBehind

WHERE = 'watch'


class EventsRun:
    """Reads the events of a whole run. No method raises.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        caller: The run whose tools are being called here.
        events: The events.
        names: The names of agent and model that the user passed.
    """

    def __init__(self, runs: Runs, shared: Shared, caller: Caller, *, events: object, names: Names) -> None:
        self._runs = runs
        self._shared = shared
        self._caller = caller
        self._behind: RunBehind | None = run_behind(events)
        # Held weakly, unless they are the run's own: a generator that its reader drops has to be closed.
        self._events = weakly(events)
        self._may_lead_to_run = self._behind is not None or is_generator(events)
        self._names = names
        self._lock = threading.RLock()
        self._pulled_at: float | None = None
        self._context: contextvars.Context | None = None
        self._waited_from = 0.0
        self._last_at: float | None = None
        self._run: Run | None = None
        self._requests: Requests | None = None
        self._is_measured_elsewhere = False
        self._is_opening = False
        self._is_over = False
        self._tools: ToolRound | None = None
        self._result: object = None

    def catch_up(self) -> None:
        """Open the run if it is known by now, also one that hangs before its first event, and follow it."""
        # Whoever holds the lock is at it already.
        if self._lock.acquire(blocking=False):
            try:
                with guarded(self._shared.out, WHERE):
                    if self._known_context() is not None:
                        self._open_where_begun()
                    if self._requests is not None and not self._is_over:
                        self._requests.catch_up(self._shared.clock.monotonic())
            finally:
                self._lock.release()

    def begin(self, now: float) -> None:
        """The consumer asks for the first event."""
        self._pulled_at = now
        self._context = contextvars.copy_context()
        with guarded(self._shared.out, WHERE):
            if not self._may_lead_to_run:
                self._open_where_begun()
            elif self._behind is None:
                # By then the generator waits for the first event of its run: if that never comes, the run is known.
                with contextlib.suppress(RuntimeError):
                    asyncio.get_running_loop().call_soon(self._look_behind, context=contextvars.Context())

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block, a run that a tool starts knows which run called it."""
        return self._caller.calling(lambda: self._run)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        self._waited_from = now
        if self._requests is not None and self._requests.request is not None:
            self._requests.observer.waiting(held_since, now)
        elif self._run is not None and held_since is not None:
            self._run.phases.hold(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._shared.out, WHERE):
            if self._requests is not None and event_sources.is_inside_response(event):
                self._requests.read(event, waited_from, now, self._last_at)
            else:
                with self._lock:
                    self._turn(event, waited_from, now)
            self._last_at = now

    @property
    def may_still_lead_to_run(self) -> bool:
        """Whether it is not known yet which run the events are those of."""
        return self._behind is None and self._may_lead_to_run and self._run is None

    def _turn(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived with which a response may begin or end."""
        if self._known_context() is None and self._may_lead_to_run and not event_sources.is_of_run(event):
            # An event of somebody's own, which may come before the run has begun.
            return
        requests, run = self._opened(), self._run
        if requests is None or run is None:
            return
        if event_sources.is_of_response(event):
            if self._tools is not None:
                self._tools.over()
                self._tools = None
            if event_sources.is_part_start(event):
                run.tools.manager = self._tool_manager()
            requests.read(event, waited_from, now, self._last_at)
        elif event_sources.is_of_tools(event):
            if self._tools is None:
                requests.answered(now)
                run.tools.manager = self._tool_manager()
                self._tools = ToolRound(run, step=requests.step, is_ahead=True)
            self._tools.feed(event, waited_from, now)
        else:
            self._result = event_sources.result_of(event) or self._result

    def left(self) -> bool:
        """Nobody reads the events any more.

        Returns:
            Whether the run is still to be stopped: until then nothing tells how far it came.
        """
        with guarded(self._shared.out, WHERE), self._lock:
            self._look_behind()
            task = None if self._behind is None else self._behind.task
            if task is None or task.done() or self._requests is None:
                return False
            now = self._shared.clock.monotonic()
            self._requests.catch_up(now)
            self._requests.left(now)
            return True
        return False

    def over(self, error: BaseException | None) -> None:
        """No more events will be read.

        Args:
            error: What ended them; `None` at their end.
        """
        with guarded(self._shared.out, WHERE), self._lock:
            ctx = self._known_context()
            if self._pulled_at is None or (self._behind is not None and ctx is None and self._run is None):
                # The run was stopped before it began.
                return
            requests, run = self._opened(), self._run
            if requests is None or run is None:
                return
            self._is_over = True
            now = self._shared.clock.monotonic()
            if self._behind is not None:
                self._result = self._result or self._behind.result
                error = self._behind.error or error
            outcome, error_type, error = self._ending(error, ctx)
            requests.over(error, self._result, ctx, now)
            if self._tools is not None and error is not None:
                # If the run was stopped, what its consumer gets is not an exception of a tool.
                stopped = outcome in ('cancelled', 'timeout')
                self._tools.broke(asyncio.CancelledError() if stopped else error, self._waited_from, now)
            elif self._tools is not None:
                self._tools.over()
            run.tools.manager = None
            # The context of the run's own task holds this object, which must not hold the run's events in turn.
            self._behind = self._requests = self._result = None
            self._runs.end(run, outcome, error_type, now=now)

    def _ending(self, error: BaseException | None, ctx: object) -> tuple[RunOutcome, str | None, BaseException | None]:
        if self._result is not None:
            # A consumer that stops after the result has missed nothing.
            return 'deferred' if run_context.is_deferred_result(self._result) else 'success', None, None
        if error is not None:
            return *outcomes.run_ending(error, ctx), error
        # A response that nobody's run asked for is all that was asked for, and it came to its end.
        is_bare = event_sources.bare_response(self._events()) is not None
        return 'success' if is_bare else 'incomplete', None, None

    # The run

    def _look_behind(self) -> None:
        with guarded(self._shared.out, WHERE):
            if self._behind is None and self._may_lead_to_run and not self._is_over:
                self._behind = run_behind(self._events())

    def _known_context(self) -> object | None:
        self._look_behind()
        return None if self._behind is None else self._behind.context

    def _opened(self) -> Requests | None:
        if self._run is None and not self._is_measured_elsewhere:
            self._open_where_begun()
        return self._requests

    def _open_where_begun(self) -> None:
        """Open the run, wherever this is called, inside the span in which its events were first asked for."""
        if self._context is not None:
            # A copy, because a sink that is called about the run may call back into here.
            self._context.copy().run(self._open)

    def _open(self) -> None:
        with self._lock:
            # This is re-entered by a sink that is called about the run and asks what is open.
            if self._run is not None or self._is_measured_elsewhere or self._is_opening:
                return
            self._is_opening = True
            try:
                known = self._known_context()
                ctx = event_sources.UnknownRun(uuid4().hex) if known is None else known
                started = self._pulled_at or self._shared.clock.monotonic()
                who = run_context.who(ctx)
                run = self._runs.open(ctx, who, WHERE, started=started, call='later', agent=self._names.agent)
                self._is_measured_elsewhere = run is None
                if run is not None:
                    self._requests = self._requests_of(run, started, is_known=known is not None)
                    self._run = run
                self._context = None
            finally:
                self._is_opening = False

    def _requests_of(self, run: Run, started: float, *, is_known: bool) -> Requests:
        failed = partial(self._shared.out.failed, WHERE)
        if self._behind is not None and is_known:
            return KnownRequests(run, self._behind, self._asked_model, failed)
        events = self._events()
        return InferredRequests(run, self._asked_model, failed, events=events, started=started)

    def _asked_model(self) -> AskedModel:
        if (named := self._names.asked()) is not None:
            return named
        bare = event_sources.bare_response(self._events())
        if bare is not None:
            return named_model(read(bare, 'provider_name'), read(bare, 'model_name'))
        return run_context.model_of(self._known_context())

    def _tool_manager(self) -> object | None:
        return run_context.tool_manager(self._known_context())
