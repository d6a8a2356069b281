"""The watch door: `async for event in tap.watch(stream)`. It sees what the user reads, whatever it comes from."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections import deque
from contextvars import Context
from typing import TYPE_CHECKING, Any

from streamtap import _upstream
from streamtap._endings import weakly
from streamtap._guard import guarded
from streamtap._watched_events import WatchedEvents
from streamtap._watched_run import WHERE, WatchedRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._current_run import CurrentRun
    from streamtap._endings import Watched
    from streamtap._handler_calls import HandlerCalls, ResponseCall, ToolsCall
    from streamtap._handler_runs import HandlerRuns
    from streamtap._names import Names
    from streamtap._runs import Runs
    from streamtap._surroundings import Surroundings


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
        self._reading: weakref.WeakSet[WatchedRun] = weakref.WeakSet()
        self._readers: weakref.WeakValueDictionary[int, WatchReader] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        # Filled wherever events happen to be collected, even inside a lock of ours or of a sink's: only appended to.
        self._let_go: deque[WatchReader] = deque()

    def watch(self, events: AsyncIterable[Any], names: Names) -> AsyncIterator[Any]:
        """The same events, measured as they are read."""
        # Whoever breaks off and watches the same events again reads on.
        reader = self._readers.get(id(events))
        if reader is None or reader.events() is not events:
            reader = self._readers[id(events)] = WatchReader(self, events, names)
        return WatchedEvents(events, self.around.clock.monotonic, reader)

    def catch_up(self) -> None:
        """End what nobody reads any more, and open the runs of which it is known by now whose they are."""
        while self._let_go:
            try:
                reader = self._let_go.popleft()
            except IndexError:  # another thread was faster
                break
            if not reader.holders:
                reader.over(asyncio.CancelledError())
        with self._lock:
            reading = list(self._reading)
        for run in reading:
            run.catch_up()

    def search(self, generation: int) -> None:
        """Catch up, with what only the garbage collector can tell: a cancelled task leaves what it read in a cycle.

        Args:
            generation: What to collect, if anything is being read.
        """
        if self._readers:
            gc.collect(generation)
        self.catch_up()

    def let_go(self, reader: WatchReader, loop: asyncio.AbstractEventLoop | None) -> None:
        """Nobody reads these events any more; called wherever they happen to be collected, so it only takes note.

        Args:
            reader: Has them measured.
            loop: Where they were read; the next to `catch_up` does what it no longer can.
        """
        self._let_go.append(reader)
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self.catch_up)

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
        with self._lock:
            self._reading.add(reading)
        reading.begin(pulled_at)
        return reading


class WatchReader:
    """Finds out what is read, and has it measured. No method raises.

    What `node.stream()` gives knows its run, and belongs to it. Everything else is a run of its own.

    Args:
        door: The tap's side.
        events: The events.
        names: What the user calls the agent and the model.
    """

    def __init__(self, door: WatchDoor, events: object, names: Names) -> None:
        self._door = door
        # Whoever lets go of them lets go of them now: a generator is to be closed as soon as it is without the tap.
        self.events = weakly(events)
        self._names = names
        self._reading: ResponseCall | ToolsCall | WatchedRun | None = None
        self._watched: Watched | None = None
        self._has_begun = False
        self._is_over = False
        self.holders = 0
        """How many there are to read the events through."""

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A run that a tool starts in here knows which run called it."""
        return contextlib.nullcontext() if self._reading is None else self._reading.current()

    def begin(self, events: object, now: float) -> None:
        """An event is asked for, perhaps the first.

        Args:
            events: The events.
            now: The present moment.
        """
        if not self._has_begun:
            self._has_begun = True
            with guarded(self._door.around.out, WHERE):
                self._find(events, now)

    def waiting(self, now: float) -> None:
        """An event is asked for."""
        if self._reading is not None:
            self._reading.waiting(now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to whoever asked."""
        if self._reading is not None:
            self._reading.read(event, waited_from, now)

    def held(self, start: float, end: float) -> None:
        """Whoever asked held an event for that long."""
        if self._reading is not None:
            self._reading.held(start, end)

    def listen(self, events: object) -> None:
        """Hear of it when the block around the events is left.

        An exception that somebody keeps, or that a cancelled task keeps below Python 3.12, keeps them from being
        collected.

        Args:
            events: The events.
        """

        def ended(run: asyncio.Task[object]) -> None:
            with guarded(self._door.around.out, WHERE):
                # Any other end is for whoever reads: a result, or an exception.
                if run.cancelled() or _upstream.was_left(events):
                    self.over(asyncio.CancelledError())

        with guarded(self._door.around.out, WHERE):
            run = _upstream.run_behind(events)
            if run is not None:
                run.add_done_callback(ended, context=Context())

    def failed(self, error: BaseException, iterator: object) -> None:
        """Asking for an event raised.

        Args:
            error: What was raised.
            iterator: What was asked.
        """
        with guarded(self._door.around.out, WHERE):
            # A cancelled wait ends a generator, such as a node's stream. Elsewhere whoever waits may ask again.
            if not isinstance(error, asyncio.CancelledError) or _upstream.is_spent(iterator):
                self.over(error)

    def over(self, error: BaseException | None) -> None:
        """No more events are read; told once.

        Args:
            error: What ended them; `None` at their end.
        """
        if self._is_over:
            return
        self._is_over = True
        if self._reading is not None:
            self._reading.over(error)
        if self._watched is not None:
            with guarded(self._door.around.out, WHERE):
                self._door.joined.leave(self._watched)

    def let_go(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Who read the events broke off, unless they were over.

        Args:
            loop: Where they were read.
        """
        self.holders -= 1
        if self._has_begun and not self._is_over:
            self._door.let_go(self, loop)

    def _find(self, events: object, now: float) -> None:
        door = self._door
        ctx = _upstream.context_of_node(events)
        if ctx is not None:
            self._watched = door.joined.enter(ctx, events, WHERE, agent=self._names.agent)
            if self._watched is not None:
                self._reading = door.calls.begin(self._watched, ctx, events, self._names.asked())
        elif not _upstream.is_spent(events):
            self._reading = door.whole_run(events, self._names, now)
