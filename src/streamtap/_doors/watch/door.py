"""The watch door: `async for event in tap.watch(stream)`. It measures what the user reads, whatever the source."""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from streamtap._base.forks import tell_forks
from streamtap._delivery.guard import guarded
from streamtap._doors.watch.observer import NOTHING, Found, WatchObserver
from streamtap._doors.watch.reader import OutputReader, OutputStream
from streamtap._doors.watch.run import WHERE, EventsRun
from streamtap._doors.watch.stream import WatchedStream
from streamtap._upstream import event_sources
from streamtap._upstream.output_streams import run_id_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, AsyncIterator

    from streamtap._doors.nodes.runs import NodeRuns
    from streamtap._doors.nodes.streams import NodeStreams
    from streamtap._doors.watch.names import Names
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.shared import Shared


class WatchDoor:
    """Measures iterables of events that the user reads.

    Args:
        shared: What all runs share.
        runs: The tap's open runs.
        node_runs: Finds the run that a stream of `node.stream()` belongs to.
        streams: Begins the reading of one response or one round of tools.
        caller: The run whose tools are being called here.
    """

    def __init__(
        self,
        shared: Shared,
        runs: Runs,
        node_runs: NodeRuns,
        streams: NodeStreams,
        caller: Caller,
    ) -> None:
        self._shared = shared
        self._handler_runs = node_runs
        self._streams = streams
        self._runs = runs
        self._caller = caller
        self._reading: weakref.WeakSet[EventsRun] = weakref.WeakSet()
        self._observers: weakref.WeakValueDictionary[int, WatchObserver] = weakref.WeakValueDictionary()
        self._lock = threading.RLock()
        # Filled during garbage collection, which may happen while a lock of ours or of a sink is held: append only.
        self._abandoned: deque[WatchObserver] = deque()
        tell_forks(self)

    def forked(self) -> None:
        """Forget what the parent process reads."""
        self._lock = threading.RLock()
        self._reading.clear()
        self._observers.clear()
        self._abandoned.clear()

    def watch(self, events: AsyncIterable[Any], names: Names, run_id: str | None) -> AsyncIterator[Any]:
        """The same events, measured as they are read; the output of a run is measured as a reader of that run's."""
        if type(events) is OutputStream and events.is_of(self._runs):
            return events
        of_run = run_id_of(events) if run_id is None else run_id
        if of_run is not None:
            reader = OutputReader(self._runs, self._shared.out, of_run)
            return OutputStream(events, self._shared.clock.monotonic, reader)
        # Events that are abandoned and watched again continue with the same observer.
        observer = self._observers.get(id(events))
        if observer is None or observer.events() is not events:
            find = partial(self._find, names)
            observer = WatchObserver(events, self._shared.out, find, self._note_abandoned)
            self._observers[id(events)] = observer
        return WatchedStream(events, self._shared.clock.monotonic, observer)

    def catch_up(self) -> None:
        """End what nobody reads any more, and open the runs whose context is known by now."""
        while self._abandoned:
            try:
                observer = self._abandoned.popleft()
            except IndexError:  # another thread was faster
                break
            if not observer.holders:
                observer.left()
        with self._lock:
            reading = list(self._reading)
        for run in reading:
            run.catch_up()

    def search(self, generation: int) -> None:
        """Collect garbage, then catch up: a cancelled task leaves the events that it read in a reference cycle.

        Args:
            generation: The generation to collect, if anything is being read.
        """
        if self._observers:
            gc.collect(generation)
        self.catch_up()

    def _note_abandoned(self, observer: WatchObserver, loop: asyncio.AbstractEventLoop | None) -> None:
        """A holder of these events is gone: the next `catch_up` ends them, which cannot be done here."""
        self._abandoned.append(observer)
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
        with guarded(self._shared.out, WHERE):
            return Found(self._streams.begin(watched, ctx, events, names.asked()), leave)
        return Found(None, leave)

    def _whole_run(self, events: object, names: Names, pulled_at: float) -> EventsRun:
        reading = EventsRun(self._runs, self._shared, self._caller, events=events, names=names)
        with self._lock:
            self._reading.add(reading)
        reading.begin(pulled_at)
        return reading
