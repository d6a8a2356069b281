"""Readers that observe a stream of events on its way through the capability to its consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._upstream import stream_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._meter.response import ResponseMeter


class ResponseReader:
    """Times the events of one response.

    Args:
        meter: Measures the response; `None` if its events say nothing about the pace.
        monotonic: Reads the clock.
        describe: Gives the name under which a tool is shown, and whether it is an output tool.
        over: Called at the end of the stream, with the exception that ended it, if any.
        failed: Called with each exception that the tap itself raises.
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
        """An event arrived and is handed to the consumer."""
        if self._meter is None:
            return
        try:
            stream_events.feed_response(self._meter, event, waited_from, now, self._describe)
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
    """Takes tool results from the events of one round of tool calls.

    Args:
        monotonic: Reads the clock.
        take: Called with each event.
        held: Called with the interval in which the consumer held an event.
        failed: Called with each exception that the tap itself raises.
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
        """The round ended; nothing to do, as each call reports its own end."""
