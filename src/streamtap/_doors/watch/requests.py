"""The requests of a watched run, as its events show them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from streamtap._doors.observed_stream import NoObserver
from streamtap._doors.response_observer import ResponseObserver
from streamtap._doors.tool_round import was_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.observed_stream import StreamObserver
    from streamtap._records.records import RequestOutcome
    from streamtap._runs.request import Request
    from streamtap._runs.run import Run
    from streamtap._upstream.model_responses import AskedModel


class Requests(ABC):
    """The requests of one watched run, of which one is in progress at a time.

    Args:
        run: The run.
        asked: The model that the run asks now.
        failed: Called with each exception that the tap itself raises.
    """

    def __init__(self, run: Run, asked: Callable[[], AskedModel], failed: Callable[[BaseException], None]) -> None:
        self.run = run
        self.asked = asked
        self._failed = failed
        self.request: Request | None = None
        """The request in progress."""
        self.observer: StreamObserver = NoObserver()
        """Observes its response."""
        self.step: int = 0
        """The number of the latest request, from 1."""

    @abstractmethod
    def catch_up(self, now: float) -> None:
        """Follow the run to where it is, as far as its events have been read."""

    @abstractmethod
    def read(self, event: AgentStreamEvent, waited_from: float, now: float, last_at: float | None) -> None:
        """An event of a response arrived.

        Args:
            event: The event.
            waited_from: When it was asked for.
            now: The current time.
            last_at: When the event before it arrived.
        """

    @abstractmethod
    def answered(self, now: float) -> None:
        """An event arrived that is none of a response: the one in progress is complete."""

    def left(self, now: float) -> None:
        """Nobody reads on; the run is still to be stopped."""
        if self.request is not None:
            self.run.request_over(self.request, 'cancelled', now=now)

    @abstractmethod
    def over(self, error: BaseException | None, result: object, ctx: object, now: float) -> None:
        """No more events will arrive.

        Args:
            error: What ended the run; `None` if nothing is known to have gone wrong.
            result: The run's result, if there is one.
            ctx: The run's context, if it is known.
            now: The current time.
        """

    def begin(self, now: float) -> Request:
        """A request is about to be sent, or was: the first sign of it will tell."""
        request = self.request = self.run.begin_request(
            step=self.step, model=self.asked(), mode='streamed', started=None, sent='perhaps'
        )
        request.meter.resumed_at = now
        self.observer = self.observe(request)
        return request

    def observe(self, request: Request) -> ResponseObserver:
        """What observes the response to a request."""
        return ResponseObserver(request.meter, self.run.tools.describe, self._failed)

    def first_event(self, request: Request, waited_from: float, now: float, last_at: float | None) -> None:
        """The first event of a response arrived."""
        self.run.request_sent(request)
        if last_at is not None and was_ready(last_at, waited_from, now):
            # The run continues while the consumer holds an event: what is ready when asked for had come before.
            request.was_held, request.meter.started = True, None

    def finish(self, outcome: RequestOutcome, now: float, error: BaseException | None = None) -> Request | None:
        """The request in progress is over.

        Returns:
            The request, to be reported; `None` if there was none in progress.
        """
        request, self.request = self.request, None
        self.observer = NoObserver()
        if request is not None:
            if outcome == 'success':
                # What the consumer waits for after the last event is not this response.
                last = request.meter.last_event
                now = now if last is None else max(last, request.meter.resumed_at)
            self.run.request_over(request, outcome, error=error, now=now)
            self.run.take_unsettled()
        return request
