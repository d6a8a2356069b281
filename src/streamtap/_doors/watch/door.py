"""The watch door: `async for event in tap.watch(stream)`. It measures what the user reads, whatever the source."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from streamtap._base.forks import tell_forks
from streamtap._delivery.guard import guarded
from streamtap._doors.watch.observer import NOTHING, Found, WatchReader
from streamtap._doors.watch.run import WHERE, WatchedRun
from streamtap._doors.watch.stream import WatchedEvents
from streamtap._upstream import event_sources

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from streamtap._base.names import Names
    from streamtap._doors.nodes.runs import HandlerRuns
    from streamtap._doors.nodes.streams import HandlerCalls
    from streamtap._runs.caller import CurrentRun
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Surroundings


class WatchDoor:
    """Measures iterables of events that the user reads.

    Args:
        around: What all runs share.
        runs: The tap's open runs.
        handler_runs: Finds the run that a stream of `node.stream()` belongs to.
        calls: Begins the reading of one response or one round of tools.
        labels: The names of the user's own dimensions.
        current: The run whose tools are being called here.
    """

    def __init__(
        self,
        around: Surroundings,
        runs: Runs,
        handler_runs: HandlerRuns,
        calls: HandlerCalls,
        *,
        labels: tuple[str, ...],
        current: CurrentRun,
    ) -> None:
        self._around = around
        self._handler_runs = handler_runs
        self._calls = calls
        self._runs = runs
        self._labels = labels
        self._current = current
        self._reading: weakref.WeakSet[WatchedRun] = weakref.WeakSet()
        self._readers: weakref.WeakValueDictionary[int, WatchReader] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        # Filled during garbage collection, which may happen while a lock of ours or of a sink is held: append only.
        self._abandoned: deque[WatchReader] = deque()
        tell_forks(self)

    def forked(self) -> None:
        """Forget what the parent process reads."""
        self._lock = threading.RLock()
        self._reading.clear()
        self._readers.clear()
        self._abandoned.clear()

    def watch(self, events: AsyncIterable[Any], names: Names) -> AsyncIterator[Any]:
        """The same events, measured as they are read."""
        # Events that are abandoned and watched again continue with the same reader.
        reader = self._readers.get(id(events))
        if reader is None or reader.events() is not events:
            find = partial(self._find, names)
            reader = self._readers[id(events)] = WatchReader(events, self._around.out, find, self._note_abandoned)
        return WatchedEvents(events, self._around.clock.monotonic, reader)

    def catch_up(self) -> None:
        """End what nobody reads any more, and open the runs whose context is known by now."""
        while self._abandoned:
            try:
                reader = self._abandoned.popleft()
            except IndexError:  # another thread was faster
                break
            if not reader.holders:
                reader.over(asyncio.CancelledError())
        with self._lock:
            reading = list(self._reading)
        for run in reading:
            run.catch_up()

    def search(self, generation: int) -> None:
        """Collect garbage, then catch up: a cancelled task leaves the events that it read in a reference cycle.

        Args:
            generation: The generation to collect, if anything is being read.
        """
        if self._readers:
            gc.collect(generation)
        self.catch_up()

    def _note_abandoned(self, reader: WatchReader, loop: asyncio.AbstractEventLoop | None) -> None:
        """A holder of these events is gone: the next `catch_up` ends them, which cannot be done here."""
        self._abandoned.append(reader)
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self.catch_up)

    def _find(self, names: Names, events: object, now: float) -> Found:
        """A stream of `node.stream()` leads to its run, and belongs to it. Everything else is a run of its own."""
        ctx = event_sources.context_of_node(events)
        if ctx is None:
            return NOTHING if event_sources.is_spent(events) else Found(self._whole_run(events, names, now))
        watched = self._handler_runs.enter(ctx, events, WHERE, agent=names.agent)
        if watched is None:
            return NOTHING
        leave = partial(self._handler_runs.leave, watched)
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
