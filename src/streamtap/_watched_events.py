"""The events that the user gets to read in the watch door."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

from streamtap import _upstream
from streamtap._beside import BesideEvents

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._watch import WatchReader


class WatchedEvents(BesideEvents):
    """The events, measured as they are read; whoever lets go of them before their end broke them off.

    Args:
        events: The events.
        monotonic: Reads the clock.
        reader: Has them measured.
    """

    def __init__(self, events: AsyncIterable[Any], monotonic: Callable[[], float], reader: WatchReader) -> None:
        super().__init__(events, monotonic, reader)
        self._watch = reader
        reader.holders += 1
        self._loop = _loop()
        self._hears_of_leaving = False

    def __del__(self) -> None:
        # No weakref.finalize: the reader can hold the run's events, and whoever holds those may hold this object.
        self._watch.let_go(self._loop)

    async def __anext__(self) -> AgentStreamEvent:
        self._watch.begin(self._events, self._monotonic())
        with self._watch.current():
            try:
                return await super().__anext__()
            finally:
                if not self._hears_of_leaving:
                    self._hears_of_leaving = True
                    _listen(self._watch, self._events)

    async def aclose(self) -> None:
        """Close the events, if they can be closed, as whoever reads them would."""
        try:
            close = getattr(self._events, 'aclose', None)
            if close is not None:
                await close()
        finally:
            self._watch.over(asyncio.CancelledError())

    def _exhausted(self) -> None:
        self._watch.over(None)

    def _failed(self, error: BaseException) -> None:
        # A cancelled wait ends a generator, such as a node's stream. Elsewhere whoever waits with a timeout may ask again.
        if not isinstance(error, asyncio.CancelledError) or _upstream.is_spent(self._iterator):
            self._watch.over(error)


def _listen(reader: WatchReader, events: object) -> None:
    """Hear of it when the block around the events is left.

    An exception that somebody keeps, or that a cancelled task keeps below Python 3.12, keeps them from being collected.
    """

    def ended(run: asyncio.Task[object]) -> None:
        # Any other end is for whoever reads: a result, or an exception.
        if run.cancelled() or _upstream.was_left(events):
            reader.over(asyncio.CancelledError())

    run = _upstream.run_behind(events)
    if run is not None:
        run.add_done_callback(ended, context=Context())


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
