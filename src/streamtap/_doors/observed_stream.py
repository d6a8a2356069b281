"""Measures a stream of events while another consumer reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from pydantic_ai.messages import AgentStreamEvent


class StreamObserver(Protocol):
    """Observes each event that a consumer reads. No method raises."""

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event; it held the one before since `held_since`, if there was one."""

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""


async def drain(events: AsyncIterable[AgentStreamEvent]) -> None:
    """Read all events, and do nothing with them."""
    async for _ in events:
        pass


class NoObserver:
    """Observes nothing: for a tap that is disabled."""

    def waiting(self, held_since: float | None, now: float) -> None:
        """Ignored."""

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """Ignored."""


class ObservedStream:
    """Wraps a stream of events transparently: same events, same attributes, same class to `isinstance()`.

    What is read through the stream's own methods (`stream_text()` and the like) bypasses it and is not measured.

    Args:
        events: The events, from pydantic-ai.
        monotonic: Reads the clock.
        observer: Notified of each event.
    """

    def __init__(
        self, events: AsyncIterable[AgentStreamEvent], monotonic: Callable[[], float], observer: StreamObserver
    ) -> None:
        self._events = events
        self._iterator: AsyncIterator[AgentStreamEvent] | None = None
        self._monotonic = monotonic
        self._observer = observer
        self._handed_over: float | None = None
        self.was_exhausted = False
        """Whether the events were read to their end."""
        self.failure: BaseException | None = None
        """What the stream itself raised, as opposed to its consumer."""

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The stream's own class, for a handler that calls `isinstance()`."""
        return type(self._events)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    def __aiter__(self) -> AsyncIterator[AgentStreamEvent]:
        self._iterator = aiter(self._events)
        return self

    async def __anext__(self) -> AgentStreamEvent:
        waited_from = self._monotonic()
        self._observer.waiting(self._handed_over, waited_from)
        if self._iterator is None:
            self._iterator = aiter(self._events)
        try:
            event = await anext(self._iterator)
        except StopAsyncIteration:
            self._exhausted()
            raise
        except BaseException as error:
            self._failed(error)
            raise
        self._handed_over = self._monotonic()
        self._observer.read(event, waited_from, self._handed_over)
        return event

    async def read_on(self) -> None:
        """Drain what is left, but never read past the end: that may block, and be cancelled there."""
        if not self.was_exhausted:
            async for _ in self:
                pass

    def _exhausted(self) -> None:
        self.was_exhausted = True

    def _failed(self, error: BaseException) -> None:
        self.failure = error
