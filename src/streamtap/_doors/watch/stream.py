"""The events as the user of the watch door reads them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from streamtap._doors.observed_stream import ObservedStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.watch.observer import WatchObserver


class WatchedStream(ObservedStream):
    """The events, measured as they are read; if this object is dropped before their end, they are abandoned.

    Args:
        events: The events.
        monotonic: Reads the clock.
        observer: Has them measured.
    """

    def __init__(self, events: AsyncIterable[Any], monotonic: Callable[[], float], observer: WatchObserver) -> None:
        super().__init__(events, monotonic, observer)
        self._watch = observer
        observer.holders += 1
        self._loop = _loop()
        self._is_listening = False

    def __del__(self) -> None:
        # Not weakref.finalize, which would keep the observer, and through the run's events perhaps this object, alive.
        self._watch.release(self._loop)

    async def __anext__(self) -> AgentStreamEvent:
        self._watch.begin(self._events, self._monotonic())
        with self._watch.current():
            try:
                return await super().__anext__()
            finally:
                if not self._is_listening:
                    self._is_listening = self._watch.listen(self._events)

    async def aclose(self) -> None:
        """Close the events, if they can be closed."""
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
