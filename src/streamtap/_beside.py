"""A stream of events that is measured while somebody else's handler reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from pydantic_ai.messages import AgentStreamEvent


class BesideEvents:
    """Stands for the events that a handler is given: same events, same attributes, same class to look at.

    What is read through the stream's own methods (`stream_text()` and the like) passes by, and is not measured.

    Args:
        events: The events, from pydantic-ai.
        monotonic: Reads the clock.
        read: Called with each event, and the moments before and after the wait for it.
        waiting: Called with the moment at which the handler asks for an event.
        held: Called with the interval in which the handler held an event.
    """

    def __init__(
        self,
        events: AsyncIterable[AgentStreamEvent],
        monotonic: Callable[[], float],
        *,
        read: Callable[[AgentStreamEvent, float, float], None],
        waiting: Callable[[float], None],
        held: Callable[[float, float], None],
    ) -> None:
        self._events = events
        self._iterator: AsyncIterator[AgentStreamEvent] | None = None
        self._monotonic = monotonic
        self._read = read
        self._waiting = waiting
        self._held = held
        self._handed_over: float | None = None
        self.was_exhausted = False
        """Whether the events were read to their end."""
        self.failure: BaseException | None = None
        """What the stream itself raised, as opposed to the handler."""

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The class of the stream, for a handler that asks `isinstance()`."""
        return type(self._events)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)

    def __aiter__(self) -> AsyncIterator[AgentStreamEvent]:
        self._iterator = aiter(self._events)
        return self

    async def __anext__(self) -> AgentStreamEvent:
        waited_from = self._monotonic()
        self._waiting(waited_from)
        if self._handed_over is not None:
            self._held(self._handed_over, waited_from)
        if self._iterator is None:
            self._iterator = aiter(self._events)
        try:
            event = await anext(self._iterator)
        except StopAsyncIteration:
            self.was_exhausted = True
            raise
        except BaseException as error:
            self.failure = error
            raise
        self._handed_over = self._monotonic()
        self._read(event, waited_from, self._handed_over)
        return event
