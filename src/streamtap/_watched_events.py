"""The events that the user gets to read in the watch door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamtap._beside import BesideEvents

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._watch_reader import WatchReader


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
                    self._watch.listen(self._events)

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
        self._watch.failed(error, self._iterator)


def _loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
