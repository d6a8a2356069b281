"""What reads a stream of events on its way through the capability to whoever consumes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._capability_run import CapabilityRun
    from streamtap._response_record import Request

WHERE = 'capability'


class ResponseReader:
    """Times the events of one response for its consumer."""

    def __init__(self, owner: CapabilityRun, request: Request, ctx: object, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._owner = owner
        self._request = request
        self._meter = request.meter
        self._ctx = ctx
        self._describe = owner.run.describe_tool
        self._out = owner.out

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to the consumer now."""
        try:
            _upstream.feed_response(self._meter, event, waited_from, now, self._describe)
            self._meter.held = True
        except Exception as error:
            self._out.failed(WHERE, error)

    def resumed(self) -> float:
        """The consumer asks for the next event."""
        meter = self._meter
        now = meter.resumed_at = self.monotonic()
        meter.held = False
        return now

    def over(self, error: BaseException | None) -> None:
        """No more events, or nobody wants them."""
        self._owner.stream_over(self._request, self._ctx, error)


class ToolReader:
    """Takes the results of tool calls that did not run from the events; what ran was timed where it ran."""

    def __init__(self, owner: CapabilityRun, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._owner = owner

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived."""
        with guarded(self._owner.out, WHERE):
            self._owner.result(event)

    def resumed(self) -> float:
        """The consumer asks for the next event."""
        return self.monotonic()

    def over(self, error: BaseException | None) -> None:
        """The round of calls ended."""
