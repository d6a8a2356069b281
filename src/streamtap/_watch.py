"""The watch door: `async for event in tap.watch(stream)`. It sees what the user reads, whatever it comes from."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from streamtap import _upstream
from streamtap._forks import tell_forks
from streamtap._guard import guarded
from streamtap._watch_reader import NOTHING, Found, WatchReader
from streamtap._watched_events import WatchedEvents
from streamtap._watched_run import WHERE, WatchedRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from streamtap._current_run import CurrentRun
    from streamtap._handler_calls import HandlerCalls
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
        self._around = around
        self._joined = joined
        self._calls = calls
        self._runs = runs
        self._labels = labels
        self._current = current
        self._reading: weakref.WeakSet[WatchedRun] = weakref.WeakSet()
        self._readers: weakref.WeakValueDictionary[int, WatchReader] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        # Filled wherever events happen to be collected, even inside a lock of ours or of a sink's: only appended to.
        self._let_go: deque[WatchReader] = deque()
        tell_forks(self)

    def forked(self) -> None:
        """Forget what the parent reads."""
        self._lock = threading.RLock()
        self._reading.clear()
        self._readers.clear()
        self._let_go.clear()

    def watch(self, events: AsyncIterable[Any], names: Names) -> AsyncIterator[Any]:
        """The same events, measured as they are read."""
        # Whoever breaks off and watches the same events again reads on.
        reader = self._readers.get(id(events))
        if reader is None or reader.events() is not events:
            find = partial(self._find, names)
            reader = self._readers[id(events)] = WatchReader(events, self._around.out, find, self._note)
        return WatchedEvents(events, self._around.clock.monotonic, reader)

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

    def _note(self, reader: WatchReader, loop: asyncio.AbstractEventLoop | None) -> None:
        """Nobody reads these events any more: the next to `catch_up` does what cannot be done here."""
        self._let_go.append(reader)
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self.catch_up)

    def _find(self, names: Names, events: object, now: float) -> Found:
        """What `node.stream()` gives knows its run, and belongs to it. Everything else is a run of its own."""
        ctx = _upstream.context_of_node(events)
        if ctx is None:
            return NOTHING if _upstream.is_spent(events) else Found(self._whole_run(events, names, now))
        watched = self._joined.enter(ctx, events, WHERE, agent=names.agent)
        if watched is None:
            return NOTHING
        leave = partial(self._joined.leave, watched)
        with guarded(self._around.out, WHERE):
            return Found(self._calls.begin(watched, ctx, events, names.asked()), leave)
        return Found(None, leave)

    def _whole_run(self, events: object, names: Names, pulled_at: float) -> WatchedRun:
        reading = WatchedRun(
            self._runs, self._around, labels=self._labels, current=self._current, events=events, names=names
        )
        with self._lock:
            self._reading.add(reading)
        reading.begin(pulled_at)
        return reading
