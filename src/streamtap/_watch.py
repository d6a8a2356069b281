"""The watch door: `async for event in tap.watch(stream)`. It sees what the user reads, whatever it comes from."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamtap import _upstream
from streamtap._guard import guarded
from streamtap._handler_calls import ToolsCall
from streamtap._watched_events import WatchedEvents
from streamtap._watched_run import WHERE, WatchedRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._current_run import CurrentRun
    from streamtap._endings import Watched
    from streamtap._handler_calls import HandlerCalls, ResponseCall
    from streamtap._handler_runs import HandlerRuns
    from streamtap._names import Names
    from streamtap._runs import Runs
    from streamtap._surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Read:
    """A run of which a response was read, and the tool manager of that step, which calls the tools next.

    `watched` is `None` if another door measures that run.
    """

    watched: Watched | None
    tool_manager: Callable[[], object]


class WatchDoor:
    """Measures iterables of events that the user reads.

    Args:
        around: What all runs share.
        runs: The tap's open runs.
        joined: Finds the run that a stream of one response belongs to.
        calls: Begins the reading of one response or one round of tools.
        labels: The names of the user's own dimensions.
        current: The run whose tools are being called here.
    """

    def __init__(
        self,
        around: Surroundings,
        runs: Runs,
        joined: HandlerRuns,
        calls: HandlerCalls,
        *,
        labels: tuple[str, ...],
        current: CurrentRun,
    ) -> None:
        self.around = around
        self.joined = joined
        self.calls = calls
        self._runs = runs
        self._labels = labels
        self._current = current
        self._last: weakref.WeakKeyDictionary[asyncio.Task[object], Read] = weakref.WeakKeyDictionary()
        self._reading: weakref.WeakSet[WatchedRun] = weakref.WeakSet()

    def watch(self, events: AsyncIterable[Any], names: Names) -> AsyncIterator[Any]:
        """The same events, measured as they are read."""
        return WatchedEvents(events, self.around.clock.monotonic, WatchReader(self, events, names))

    def catch_up(self) -> None:
        """Open the runs of which it is known by now whose they are."""
        for reading in list(self._reading):
            reading.catch_up()

    def whole_run(self, events: object, names: Names, pulled_at: float) -> WatchedRun:
        """A reader for the events of a whole run, which begins.

        Args:
            events: The events.
            names: What the user calls the agent and the model.
            pulled_at: When the first event was asked for.
        """
        reading = WatchedRun(
            self._runs, self.around, labels=self._labels, current=self._current, events=events, names=names
        )
        self._reading.add(reading)
        reading.begin(pulled_at)
        return reading

    def read_last_here(self) -> Read | None:
        """The run whose response was last read in this task, if it is between two calls."""
        task = current_task()
        found = None if task is None else self._last.get(task)
        if found is None or found.watched is None:
            return found
        return found if self.joined.endings.is_idle(found.watched) else None

    def leave(self, watched: Watched | None, task: asyncio.Task[object] | None) -> None:
        """The reading of one response or one round of tools is over.

        Args:
            watched: Whose it was; `None` if another door measures that run.
            task: Where it was read.
        """
        if task is not None:
            self._last[task] = Read(watched, _nothing if watched is None else _weak(watched.run.tool_manager))
        if watched is not None:
            self.joined.leave(watched)


class WatchReader:
    """Finds out what is read, and has it measured. No method raises.

    A stream that knows its run (of one response, from `node.stream()`) belongs to it, and so do the events of tools
    that the same task reads next. Everything else is a run of its own.

    Args:
        door: The tap's side.
        events: The events.
        names: What the user calls the agent and the model.
    """

    def __init__(self, door: WatchDoor, events: object, names: Names) -> None:
        self._door = door
        self._events = events
        self._names = names
        self._reading: ResponseCall | ToolsCall | WatchedRun | None = None
        self._watched: Watched | None = None
        self._maybe: Read | None = None
        self._task = current_task()
        self._has_begun = False
        self._is_over = False

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A run that a tool starts in here knows which run called it."""
        return contextlib.nullcontext() if self._reading is None else self._reading.current()

    def begin(self, now: float) -> None:
        """An event is asked for, perhaps the first."""
        if not self._has_begun:
            self._has_begun = True
            with guarded(self._door.around.out, WHERE):
                self._find(now)
                if _upstream.tells_context_later(self._events):
                    # By then the run has its task.
                    asyncio.get_running_loop().call_soon(self._end_with_run, context=Context())

    def waiting(self, now: float) -> None:
        """An event is asked for."""
        if self._reading is not None:
            self._reading.waiting(now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to whoever asked."""
        if self._maybe is not None:
            with guarded(self._door.around.out, WHERE):
                self._decide(is_response=_upstream.is_of_response(event), pulled_at=waited_from)
        if self._reading is not None:
            self._reading.read(event, waited_from, now)

    def held(self, start: float, end: float) -> None:
        """Whoever asked held an event for that long."""
        if self._reading is not None:
            self._reading.held(start, end)

    def over(self, error: BaseException | None) -> None:
        """No more events are read; told once.

        Args:
            error: What ended them; `None` at their end.
        """
        if self._is_over:
            return
        self._is_over = True
        if self._maybe is not None:
            with guarded(self._door.around.out, WHERE):
                self._decide(is_response=False, pulled_at=self._door.around.clock.monotonic())
        if self._reading is not None:
            self._reading.over(error)
        if self._watched is not None:
            with guarded(self._door.around.out, WHERE):
                self._door.leave(self._watched, self._task)

    def _end_with_run(self) -> None:
        """A run that is cancelled is over, also if nobody reads on: its stream was left, or the loop is closing."""
        task = _upstream.task_of_events(self._events)
        if task is not None:
            task.add_done_callback(self._run_over, context=Context())

    def _run_over(self, task: asyncio.Task[object]) -> None:
        # Any other end is for whoever reads: a result, or an exception.
        if task.cancelled():
            self.over(asyncio.CancelledError())

    def _find(self, now: float) -> None:
        door = self._door
        ctx = _upstream.context_of_response(self._events)
        if ctx is not None:
            self._watched = door.joined.enter(ctx, self._events, WHERE, agent=self._names.agent)
            if self._watched is not None:
                self._reading = door.calls.begin(self._watched, ctx, self._events, self._names.asked())
            else:
                door.leave(None, self._task)
            return
        self._maybe = None if _upstream.tells_context_later(self._events) else door.read_last_here()
        if self._maybe is None:
            self._reading = door.whole_run(self._events, self._names, now)

    def _decide(self, *, is_response: bool, pulled_at: float) -> None:
        """Tell by its first event, or that there is none, whether this is a round of tools of the run before."""
        last, self._maybe = self._maybe, None
        if is_response or last is None:
            self._reading = self._door.whole_run(self._events, self._names, pulled_at)
        elif last.watched is not None and self._door.joined.endings.enter(last.watched):
            self._watched = last.watched
            last.watched.run.tool_manager = last.tool_manager()
            self._reading = ToolsCall(self._door.calls, last.watched, None)
            self._reading.waiting(pulled_at)


def _weak(manager: object) -> Callable[[], object]:
    try:
        return weakref.ref(manager)
    except TypeError:
        return _nothing


def _nothing() -> None:
    """There is no tool manager."""


def current_task() -> asyncio.Task[object] | None:
    """The task that runs here, if any does."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
