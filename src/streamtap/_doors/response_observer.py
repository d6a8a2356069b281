"""Observes one response as its consumer reads it, for every door but the handler's own loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._upstream.stream_events import feed_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._meter.response import ResponseMeter


class ResponseObserver:
    """Passes the events of one response to its meter, and when its consumer held them. No method raises.

    Args:
        meter: Measures the response; `None` if its events say nothing about the pace.
        describe: Returns the name under which a tool is reported, and whether it is an output tool.
        failed: Called with each exception that the tap itself raises.
        began: Called when the first event arrived.
    """

    def __init__(
        self,
        meter: ResponseMeter | None,
        describe: Callable[[str], tuple[str, bool]],
        failed: Callable[[BaseException], None],
        began: Callable[[], object] | None = None,
    ) -> None:
        self._meter = meter
        self._began = began
        self._describe = describe
        self._failed = failed

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event; the meter itself measures how long it held the one before."""
        if self._meter is not None:
            self._meter.resumed_at = now
            self._meter.held = False

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        meter = self._meter
        try:
            if meter is not None:
                feed_response(meter, event, waited_from, now, self._describe)
            if self._began is not None:
                began, self._began = self._began, None
                began()
        except Exception as error:
            self._failed(error)
        if meter is not None:
            meter.held = True
