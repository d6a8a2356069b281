"""What reads a stream of events on its way through the capability to whoever consumes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap import _upstream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._meter import ResponseMeter


class ResponseReader:
    """Times the events of one response for its consumer.

    Args:
        meter: Measures the response; `None` if its events tell nothing of its pace.
        monotonic: Reads the clock.
        describe: The name under which a tool is shown, and whether it is an output tool.
        over: Called when no more events come, with what ended them, if it was an exception.
        failed: Called with what went wrong in here.
    """

    def __init__(
        self,
        meter: ResponseMeter | None,
        monotonic: Callable[[], float],
        *,
        describe: Callable[[str], tuple[str, bool]],
        over: Callable[[BaseException | None], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.monotonic = monotonic
        self.over = over
        self._meter = meter
        self._describe = describe
        self._failed = failed

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to the consumer now."""
        if self._meter is None:
            return
        try:
            _upstream.feed_response(self._meter, event, waited_from, now, self._describe)
        except Exception as error:
            self._failed(error)
        self._meter.held = True

    def resumed(self) -> float:
        """The consumer asks for the next event."""
        now = self.monotonic()
        if self._meter is not None:
            self._meter.resumed_at = now
            self._meter.held = False
        return now


class ToolReader:
    """Takes the results of tool calls from the events of a round.

    Args:
        monotonic: Reads the clock.
        take: Called with each event.
        held: Called with the interval in which the consumer held an event.
        failed: Called with what went wrong in here.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        take: Callable[[AgentStreamEvent], None],
        held: Callable[[float, float], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.monotonic = monotonic
        self._take = take
        self._held = held
        self._failed = failed
        self._handed_over = monotonic()

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived."""
        try:
            self._take(event)
        except Exception as error:
            self._failed(error)
        self._handed_over = now

    def resumed(self) -> float:
        """The consumer asks for the next event."""
        now = self.monotonic()
        self._held(self._handed_over, now)
        return now

    def over(self, error: BaseException | None) -> None:
        """The round of calls ended: each call has told its own end."""
