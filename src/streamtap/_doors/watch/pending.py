"""What only the messages of a watched run say about its requests, and its events do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._meter.response import ResponseMeter
from streamtap._runs.request import Request
from streamtap._upstream import event_sources, model_responses, run_context
from streamtap._upstream.model_responses import UNKNOWN_MODEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage

    from streamtap._runs.run import Run

MAX_PENDING = 256
"""How many requests of one run can wait for its messages; past it the oldest are reported without their usage."""


class PendingRequests:
    """The requests of a run that are over, and wait for its messages.

    A response's usage, and when its request was made, are in the run's messages. They are read when the next response
    begins; where only the result has them, all responses are reported when it has arrived.
    """

    def __init__(self) -> None:
        self._waiting: list[Request] = []
        self._last_reported: ModelMessage | None = None

    def report(self, run: Run, messages: Sequence[ModelMessage], responses: int) -> None:
        """Report the request that is over, if the messages have its response; otherwise it waits for the result.

        Args:
            run: The run.
            messages: Its messages so far.
            responses: How many responses it had so far.
        """
        if (request := run.take_unsettled()) is not None:
            self._waiting.append(request)
            if len(self._waiting) > MAX_PENDING:
                run.report(self._waiting.pop(0))
        for place, answered in self._answered(run, messages, responses):
            _fill(run, answered, messages, place)
            run.report(answered)
            self._last_reported = messages[place]

    def _answered(self, run: Run, messages: Sequence[ModelMessage], responses: int) -> list[tuple[int, Request]]:
        """The waiting requests, each with the place of its response, and those whose answer was empty, without events.

        Nothing if they cannot be matched: the messages may lack the last one yet, or a capability may have rewritten
        them.
        """
        waiting = self._waiting
        places = [place for place, message in enumerate(messages) if message.kind == 'response']
        seen = [place for place in places if not model_responses.is_empty_answer(messages[place])]
        reported = next((place for place in places if messages[place] is self._last_reported), -1)
        if places and len(places) == responses:
            found = list(zip(places[len(places) - len(waiting) :], waiting, strict=True))
        elif sum(place > reported for place in seen) == len(waiting):
            left = iter(waiting)
            found = [
                (place, next(left) if place in seen else _unseen(run, step=places.index(place) + 1))
                for place in places
                if place > reported
            ]
        elif len(seen) == responses:
            found = list(zip(seen[len(seen) - len(waiting) :], waiting, strict=True))
        else:
            return []
        self._waiting = []
        return found

    def report_all(self, run: Run) -> None:
        """Report what still waits: no messages will come."""
        for request in self._waiting:
            run.report(request)
        self._waiting = []


def _unseen(run: Run, *, step: int) -> Request:
    """A request that was answered with nothing: without parts there are no events."""
    meter = ResponseMeter(None, stall_after=run.shared.stall_after)
    return Request(step, streamed=True, model=UNKNOWN_MODEL, meter=meter, outcome='success')


def take_start(run: Run, request: Request, messages: Sequence[ModelMessage]) -> None:
    """Take a request's start from the time of the last message that it sent.

    Args:
        run: The run.
        request: The request.
        messages: The messages that it sent.
    """
    asked = event_sources.made_at(messages)
    if asked is not None and not request.was_held and (moment := run.moments.to_monotonic(asked)) >= run.started:
        meter = request.meter
        first_sign = meter.first_event if meter.first_event is not None else meter.stopped
        if first_sign is not None and moment <= first_sign:
            meter.started = moment


def _fill(run: Run, request: Request, messages: Sequence[ModelMessage], place: int) -> None:
    response = messages[place]
    if response.kind == 'response':
        request.response = response
        if request.model == UNKNOWN_MODEL:
            request.model = model_responses.model_of_response(response)
    before = messages[:place]
    if request.meter.stopped is None:
        # No event tells of its end: the message that follows is made right after it, and so is the end of the run.
        made = event_sources.made_at(messages[: place + 2])
        request.meter.stop(run.shared.clock.monotonic() if made is None else run.moments.to_monotonic(made))
    if run_context.asks_again(before):
        run.output_retries += 1
    take_start(run, request, before)
