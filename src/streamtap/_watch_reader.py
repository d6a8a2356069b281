"""Finds out what is read in the watch door, and has it measured."""

from __future__ import annotations

import asyncio
import contextlib
from contextvars import Context
from typing import TYPE_CHECKING, NamedTuple

from streamtap import _upstream
from streamtap._endings import weakly
from streamtap._guard import guarded
from streamtap._watched_run import WHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._dispatch import Dispatch
    from streamtap._handler_calls import ResponseCall, ToolsCall
    from streamtap._watched_run import WatchedRun


class Found(NamedTuple):
    """What some events are."""

    reading: ResponseCall | ToolsCall | WatchedRun | None
    """Measures them; `None` if they are not to be measured."""
    leave: Callable[[], None] = lambda: None
    """To be called when no more of them are read."""


NOTHING = Found(None)


class WatchReader:
    """Finds out what is read, and has it measured. No method raises.

    Args:
        events: The events.
        out: Counts what fails in here.
        find: Finds out what these events are, at the moment at which the first is asked for.
        let_go: Is told when nobody reads them any more, wherever they happen to be collected, and in which loop they
            were read.
    """

    def __init__(
        self,
        events: object,
        out: Dispatch,
        find: Callable[[object, float], Found],
        let_go: Callable[[WatchReader, asyncio.AbstractEventLoop | None], None],
    ) -> None:
        # Whoever lets go of them lets go of them now: a generator is to be closed as soon as it is without the tap.
        self.events = weakly(events)
        self._out = out
        self._find = find
        self._let_go = let_go
        self._found = NOTHING
        self._has_begun = False
        self._is_over = False
        self.holders = 0
        """How many there are to read the events through."""

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A run that a tool starts in here knows which run called it."""
        return contextlib.nullcontext() if self._found.reading is None else self._found.reading.current()

    def begin(self, events: object, now: float) -> None:
        """An event is asked for, perhaps the first.

        Args:
            events: The events.
            now: The present moment.
        """
        if not self._has_begun:
            self._has_begun = True
            with guarded(self._out, WHERE):
                self._found = self._find(events, now)

    def waiting(self, now: float) -> None:
        """An event is asked for."""
        if self._found.reading is not None:
            self._found.reading.waiting(now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to whoever asked."""
        if self._found.reading is not None:
            self._found.reading.read(event, waited_from, now)

    def held(self, start: float, end: float) -> None:
        """Whoever asked held an event for that long."""
        if self._found.reading is not None:
            self._found.reading.held(start, end)

    def listen(self, events: object) -> None:
        """Hear of it when the block around the events is left.

        An exception that somebody keeps, or that a cancelled task keeps below Python 3.12, keeps them from being
        collected.

        Args:
            events: The events.
        """

        def ended(run: asyncio.Task[object]) -> None:
            with guarded(self._out, WHERE):
                # Any other end is for whoever reads: a result, or an exception.
                if run.cancelled() or _upstream.was_left(events):
                    self.over(asyncio.CancelledError())

        with guarded(self._out, WHERE):
            run = _upstream.run_behind(events)
            if run is not None:
                run.add_done_callback(ended, context=Context())

    def failed(self, error: BaseException, iterator: object) -> None:
        """Asking for an event raised.

        Args:
            error: What was raised.
            iterator: What was asked.
        """
        with guarded(self._out, WHERE):
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
        if self._found.reading is not None:
            self._found.reading.over(error)
        with guarded(self._out, WHERE):
            self._found.leave()

    def let_go(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Who read the events broke off, unless they were over.

        Args:
            loop: Where they were read.
        """
        self.holders -= 1
        if self._has_begun and not self._is_over:
            self._let_go(self, loop)
