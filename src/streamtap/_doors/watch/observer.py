"""Finds out what the events of a watched stream are, and has them measured."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import Context
from typing import TYPE_CHECKING, NamedTuple

from streamtap._delivery.guard import guarded
from streamtap._doors.nodes.endings import weakly
from streamtap._doors.watch.run import WHERE, EventsRun
from streamtap._upstream import event_sources
from streamtap._upstream.run_behind import run_behind

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._delivery.dispatch import Dispatch
    from streamtap._doors.nodes.streams import RequestStream, ToolsStream


class Found(NamedTuple):
    """What was found out about a stream of events."""

    reading: RequestStream | ToolsStream | EventsRun | None
    """Measures them; `None` if they are not to be measured."""
    leave: Callable[[], None] = lambda: None
    """To be called when no more of them will be read."""


NOTHING = Found(None)


class WatchObserver:
    """Finds out what the events are, and has them measured. No method raises.

    Args:
        events: The events.
        out: Counts failures in this class.
        find: Finds out what these events are; called when the first is asked for.
        abandoned: Called with the loop in which they were read when a holder of them is gone before their end, possibly
            during garbage collection.
    """

    def __init__(
        self,
        events: object,
        out: Dispatch,
        find: Callable[[object, float], Found],
        abandoned: Callable[[WatchObserver, asyncio.AbstractEventLoop | None], None],
    ) -> None:
        # Held weakly: a generator that its consumer drops must be closed as soon as it would be without the tap.
        self.events = weakly(events)
        self._out = out
        self._find = find
        self._abandoned = abandoned
        self._found = NOTHING
        self._has_begun = False
        self._is_left = False
        self._is_over = False
        self.holders = 0
        """How many `WatchedStream`s there are to read the events through."""

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block, a run that a tool starts knows which run called it."""
        return contextlib.nullcontext() if self._found.reading is None else self._found.reading.current()

    def begin(self, events: object, now: float) -> None:
        """The consumer asks for an event: if it is the first, find out what the events are.

        Args:
            events: The events.
            now: The current time.
        """
        if not self._has_begun:
            self._has_begun = True
            with guarded(self._out, WHERE):
                self._found = self._find(events, now)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        if self._found.reading is not None:
            self._found.reading.waiting(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        if self._found.reading is not None:
            self._found.reading.read(event, waited_from, now)

    def listen(self, events: object) -> bool:
        """Listen for the `async with` block around the events being left.

        Garbage collection alone does not show that: an exception that is kept, as a cancelled task does below Python
        3.12, keeps the events from being collected.

        Args:
            events: The events.

        Returns:
            Whether that is done: a generator may not have come to its run yet.
        """

        def ended(task: asyncio.Task[object]) -> None:
            with guarded(self._out, WHERE):
                # Any other end reaches the consumer: a result, or an exception.
                if task.cancelled() or self._is_left or (run is not None and run.was_left):
                    self.over(asyncio.CancelledError())

        with guarded(self._out, WHERE):
            run = run_behind(events)
            if run is not None and run.task is not None:
                run.task.add_done_callback(ended, context=Context())
                return True
            reading = self._found.reading
            return not isinstance(reading, EventsRun) or not reading.may_still_lead_to_run
        return True

    def failed(self, error: BaseException, iterator: object) -> None:
        """Asking for an event raised.

        Args:
            error: What was raised.
            iterator: The iterator that was asked.
        """
        with guarded(self._out, WHERE):
            # A cancelled wait ends a generator, such as a node's stream. Other iterators can be asked again.
            if not isinstance(error, asyncio.CancelledError) or event_sources.is_spent(iterator):
                self.over(error)

    def left(self) -> None:
        """Nobody reads the events any more; if their run is still to be stopped, its end is what tells how far it came."""
        if self._is_over or self._is_left:
            return
        self._is_left = isinstance(self._found.reading, EventsRun) and self._found.reading.left()
        if not self._is_left:
            self.over(asyncio.CancelledError())

    def over(self, error: BaseException | None) -> None:
        """No more events will be read; calls after the first do nothing.

        Args:
            error: What ended them; `None` at their end.
        """
        if self._is_over:
            return
        self._is_over = True
        if self._found.reading is not None:
            self._found.reading.over(error)
        with guarded(self._out, WHERE):
            self._found.leave()

    def release(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """A holder of the events is gone; unless they were over, it has abandoned them.

        Args:
            loop: The loop in which they were read.
        """
        self.holders -= 1
        if self._has_begun and not self._is_over:
            self._abandoned(self, loop)
