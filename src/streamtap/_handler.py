"""The handler door: `event_stream_handler=tap`. It sees every event of its run, but nobody tells it the run's end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._tool_events import ToolEvents

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable
    from contextvars import ContextVar

    from pydantic_ai import RunContext
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._records import RunOutcome
    from streamtap._response_record import Request
    from streamtap._run import Run, Surroundings
    from streamtap._runs import Runs

logger = logging.getLogger('streamtap')


@dataclass(slots=True, eq=False)
class Watched:
    """A run between its first call of the handler and its report."""

    run: Run
    last_end: float
    active: bool = False
    step: int = 0
    outcome: RunOutcome = 'incomplete'
    error_type: str | None = None
    manager: weakref.ref[object] | None = None
    finalizer: weakref.finalize[..., object] | None = None
    unhook_task: Callable[[], object] = field(default=lambda: None)


class HandlerDoor:
    """Feeds the runs that are given the tap as their handler, and finds out when they are over.

    A run is over when the tool manager of its last call is collected, else when its task ends, else after
    `settle_after` seconds without a call, or when the tap is closed.

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
        current: ContextVar[Run | None],
    ) -> None:
        self._runs = runs
        self._around = around
        self._labels = labels
        self._settle_after = settle_after
        self._current = current
        self._watched: dict[str, Watched] = {}
        self._idle: OrderedDict[str, Watched] = OrderedDict()
        # Filled by finalizers, which run at any moment, even inside a lock of ours: they only append.
        self._over: deque[tuple[str, int]] = deque()
        self._lock = threading.Lock()
        self._said_truncated = False

    async def handle(self, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]) -> None:
        """Measure one call of the handler; whatever fails here, the events are drained and the run goes on."""
        watched = self._enter(ctx)
        if watched is None:
            async for _ in events:
                pass
            return
        try:
            if _upstream.model_call(ctx, events):
                await self._read_response(watched, ctx, events)
            else:
                await self._read_tools(watched, ctx, events)
        finally:
            self._leave(watched)

    def idle(self) -> frozenset[str]:
        """The ids of runs that are between two calls, and perhaps over."""
        with self._lock:
            return frozenset(self._idle)

    def catch_up(self) -> None:
        """Report the runs that are known to be over by now."""
        clock = self._around.clock
        while self._over:
            try:
                run_id, token = self._over.popleft()
            except IndexError:  # another thread was faster
                break
            watched = self._watched.get(run_id)
            if watched is not None and (token == 0 or (watched.finalizer is not None and id(watched) == token)):
                self._report(watched)
        deadline = clock.monotonic() - self._settle_after
        for watched in self._stale(deadline):
            self._report(watched)

    def close(self) -> None:
        """Report every run, over or not."""
        for watched in list(self._watched.values()):
            watched.active = False
            self._report(watched)

    # One call

    def _enter(self, ctx: RunContext[object]) -> Watched | None:
        try:
            who = _upstream.who(ctx)
            if not who.run_id:
                return None
            with self._lock:
                watched = self._watched.get(who.run_id)
                if watched is not None:
                    # A second copy of the tap on the same call is inside the first: it only passes events on.
                    if watched.active:
                        return None
                    watched.active = True
                    self._idle.pop(who.run_id, None)
            self.catch_up()
            if watched is None:
                watched = self._open(ctx, who)
            if watched is not None:
                watched.run.tool_manager = _upstream.tool_manager(ctx)
                self._arm(watched)
        except Exception as error:  # noqa: BLE001 - the run never notices
            self._around.out.failed('handler', error)
            return None
        return watched

    def _open(self, ctx: RunContext[object], who: _upstream.Who) -> Watched | None:
        clock = self._around.clock
        started = clock.monotonic()
        asked = _upstream.request_unix_time(ctx)
        if asked is not None:
            started = min(started, started - (clock.unix_ns() / 1e9 - asked))
        parent = self._current.get()
        labels = _upstream.metadata_labels(ctx, self._labels, parent.owner.labels if parent is not None else {})
        run = self._runs.open(who, 'handler', labels=labels, parent=parent, started=started)
        if run is None:
            return None
        watched = Watched(run, started, active=True)
        with self._lock:
            self._watched[who.run_id] = watched
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                self._hook(watched, task)
        return watched

    def _hook(self, watched: Watched, task: asyncio.Task[object]) -> None:
        run_id = watched.run.owner.run_id

        def ended(_: object) -> None:
            self._over.append((run_id, 0))
            self.catch_up()

        task.add_done_callback(ended)
        watched.unhook_task = lambda: task.remove_done_callback(ended)

    def _arm(self, watched: Watched) -> None:
        """Listen for the end of the tool manager: pydantic-ai lets go of it when the run is over."""
        manager = watched.run.tool_manager
        if manager is None or (watched.manager is not None and watched.manager() is manager):
            return
        if watched.finalizer is not None:
            watched.finalizer.detach()
        try:
            watched.manager = weakref.ref(manager)
            watched.finalizer = weakref.finalize(manager, self._collected, watched.run.owner.run_id, id(watched))
            watched.finalizer.atexit = False
        except TypeError:  # it cannot be weakly referenced: the other signals remain
            watched.manager = watched.finalizer = None

    def _collected(self, run_id: str, token: int) -> None:
        self._over.append((run_id, token))
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_soon(self.catch_up)

    def _leave(self, watched: Watched) -> None:
        watched.last_end = self._around.clock.monotonic()
        run_id = watched.run.owner.run_id
        # Holding the manager would keep it from being collected, which is how the run's end is told.
        watched.run.tool_manager = None
        with self._lock:
            watched.active = False
            if run_id in self._watched:
                self._idle[run_id] = watched

    # What the call brings

    async def _read_response(
        self, watched: Watched, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]
    ) -> None:
        run = watched.run
        monotonic = self._around.clock.monotonic
        out = self._around.out
        waited_from = monotonic()
        request: Request | None = None
        try:
            request = self._begin(watched, ctx, events, waited_from)
        except Exception as error:  # noqa: BLE001
            out.failed('handler', error)
        if request is None:
            async for _ in events:
                pass
            return
        meter = request.meter
        feed = _upstream.feed_response
        describe = run.describe_tool
        try:
            async for event in events:
                now = monotonic()
                try:
                    feed(meter, event, waited_from, now, describe)
                except Exception as error:  # noqa: BLE001
                    out.failed('handler', error)
                waited_from = now
        except BaseException as error:
            self._response_over(watched, request, ctx, events, error)
            raise
        self._response_over(watched, request, ctx, events, None)

    def _begin(self, watched: Watched, ctx: object, events: object, entered: float) -> Request:
        watched.step += 1
        started: float | None = entered
        if _upstream.is_primed(ctx, events):
            asked = _upstream.request_unix_time(ctx)
            started = None if asked is None else watched.run.moments.to_monotonic(asked)
        return watched.run.begin_request(
            step=watched.step,
            model=_upstream.model_of(ctx),
            mode='streamed',
            started=started,
            messages=_upstream.remaining_messages(ctx),
        )

    def _response_over(
        self, watched: Watched, request: Request, ctx: object, events: object, error: BaseException | None
    ) -> None:
        try:
            now = self._around.clock.monotonic()
            request.response = _upstream.streamed_response(events)
            if error is not None:
                outcome = _upstream.request_outcome(error, ctx)
                self._raised(watched, error, ctx)
            else:
                cut = request.response is None and request.meter.final_result == request.meter.last_event
                truncated = cut and request.meter.final_result is not None
                outcome = 'incomplete' if truncated else 'success'
                watched.outcome, watched.error_type = 'incomplete', None
                if truncated:
                    self._say_truncated()
            watched.run.request_over(request, outcome, error=error, now=now)
        except Exception as failure:  # noqa: BLE001
            self._around.out.failed('handler', failure)

    async def _read_tools(
        self, watched: Watched, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]
    ) -> None:
        monotonic = self._around.clock.monotonic
        out = self._around.out
        token = self._current.set(watched.run)
        waited_from = monotonic()
        tools: ToolEvents | None = None
        try:
            watched.run.settle()
            tools = ToolEvents(watched.run, step=watched.step)
        except Exception as error:  # noqa: BLE001
            out.failed('handler', error)
        try:
            async for event in events:
                now = monotonic()
                try:
                    if tools is not None:
                        tools.feed(event, waited_from, now)
                except Exception as error:  # noqa: BLE001
                    out.failed('handler', error)
                waited_from = monotonic()
        except BaseException as error:
            self._tools_over(watched, tools, ctx, error, waited_from)
            raise
        finally:
            self._current.reset(token)
        self._tools_over(watched, tools, ctx, None, waited_from)

    def _tools_over(
        self, watched: Watched, tools: ToolEvents | None, ctx: object, error: BaseException | None, waited_from: float
    ) -> None:
        try:
            if tools is None:
                return
            if error is None:
                tools.over()
                watched.outcome, watched.error_type = tools.ending, None
            else:
                tools.broke(error, waited_from, self._around.clock.monotonic())
                self._raised(watched, error, ctx)
        except Exception as failure:  # noqa: BLE001
            self._around.out.failed('handler', failure)

    def _raised(self, watched: Watched, error: BaseException, ctx: object) -> None:
        watched.outcome = _upstream.run_outcome(error, ctx)
        watched.error_type = None if watched.outcome == 'cancelled' else _upstream.error_type(error)

    def _say_truncated(self) -> None:
        if not self._said_truncated:
            self._said_truncated = True
            with contextlib.suppress(Exception):
                logger.info(
                    'streamtap: run_stream() gives its handler no event after the final result, so what follows is not '
                    'measured; attach the tap with capabilities=[tap.capability()] to measure it whole'
                )

    # The end

    def _stale(self, deadline: float) -> list[Watched]:
        found: list[Watched] = []
        with self._lock:
            for watched in self._idle.values():
                if watched.last_end > deadline:
                    break
                found.append(watched)
        return found

    def _report(self, watched: Watched) -> None:
        run_id = watched.run.owner.run_id
        with self._lock:
            if watched.active or self._watched.get(run_id) is not watched:
                return
            del self._watched[run_id]
            self._idle.pop(run_id, None)
        if watched.finalizer is not None:
            watched.finalizer.detach()
        try:
            watched.unhook_task()
            if self._runs.remove(watched.run):
                watched.run.end(watched.outcome, error_type=watched.error_type, now=watched.last_end)
        except Exception as error:  # noqa: BLE001
            self._around.out.failed('handler', error)
