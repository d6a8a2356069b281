"""The requests of a watched run of which only the events are known, and its result where it brings one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._doors.nodes.endings import weakly
from streamtap._doors.watch.requests import Requests
from streamtap._meter.response import ResponseMeter
from streamtap._runs.request import Request
from streamtap._upstream import event_sources, model_responses, outcomes, run_context, stream_events
from streamtap._upstream.model_responses import UNKNOWN_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage

    from streamtap._runs.run import Run
    from streamtap._upstream.model_responses import AskedModel

MAX_WAITING = 256
"""How many requests of one run can wait for its result; past it the oldest are reported without their usage."""


class InferredRequests(Requests):
    """The requests of events that lead to no run: their usage and their beginnings are in the result's messages, if any.

    Args:
        run: The run.
        asked: The model that the run asks.
        failed: Called with each exception that the tap itself raises.
        events: The events.
        started: When the first was asked for.
    """

    def __init__(
        self,
        run: Run,
        asked: Callable[[], AskedModel],
        failed: Callable[[BaseException], None],
        *,
        events: object,
        started: float,
    ) -> None:
        super().__init__(run, asked, failed)
        bare = event_sources.bare_response(events)
        self._bare = weakly(bare) if bare is not None else lambda: None
        self._waiting: list[Request] = []
        self._has_called_tools = False
        self._expect(started)

    def catch_up(self, now: float) -> None:
        """Nothing leads to the run: only its events say where it is."""

    def read(self, event: AgentStreamEvent, waited_from: float, now: float, last_at: float | None) -> None:
        """An event of a response arrived."""
        started = stream_events.started_part(event)
        if self.request is None:
            if started != 0 and self._waiting and not self._has_called_tools:
                # A provider paused the turn, which goes on with another part.
                self.observe(self._waiting[-1]).read(event, waited_from, now)
                return
            if started is None:
                return
            self._expect(now)
        request = self.request
        if request is None:
            return
        if request.meter.first_event is None:
            self.first_event(request, waited_from, now, last_at)
        self.observer.read(event, waited_from, now)
        if event_sources.is_last_part_end(event):
            self._complete(now)

    def answered(self, now: float) -> None:
        """An event of a tool arrived: the next response is that to another request."""
        self._complete(now)
        self._has_called_tools = True

    def _complete(self, now: float) -> None:
        """The response in progress is complete; an expected request of which no event was seen was perhaps not sent."""
        request = self.request
        if request is None:
            return
        if request.meter.first_event is None:
            self._forget(request)
            return
        if (bare := event_sources.bare_response(self._bare())) is not None:
            request.response = bare.get()
            # It was sent before its events were asked for, and nothing says when.
            request.meter.first_visible = request.meter.final_result = None
        self._keep(self.finish('success', now))

    def over(self, error: BaseException | None, result: object, ctx: object, now: float) -> None:
        """No more events will arrive."""
        if error is not None:
            failed = outcomes.is_of_model(error)
            if self._has_called_tools and failed:
                self._expect(now)
            elif not (self._has_called_tools or self.request) and self._waiting and (failed or outcomes.is_stop(error)):
                # Either its provider had paused it, or another request had followed.
                self._waiting[-1].outcome = 'incomplete'
            request = self.request
            if request is not None and (failed or request.meter.first_event is not None or self._bare() is not None):
                self._keep(self.finish(outcomes.request_outcome(error, ctx), now, error))
        self._complete(now)
        messages = event_sources.new_messages(result)
        for each in self._matched(messages):
            self.run.report(each)
        self._waiting = []
        self.run.messages = messages
        self.run.known_messages = 0

    def _expect(self, now: float) -> None:
        self.step += 1
        self._has_called_tools = False
        self.begin(now)

    def _forget(self, request: Request) -> None:
        self.run.forget(request)
        self.request = None
        self.step -= 1

    def _keep(self, request: Request | None) -> None:
        if request is not None:
            self._waiting.append(request)
        if len(self._waiting) > MAX_WAITING:
            self.run.report(self._waiting.pop(0))

    def _matched(self, messages: Sequence[ModelMessage]) -> list[Request]:
        """The requests that are over, each with its response, if the messages have exactly those that were seen.

        An answer without parts has no events, and is a request that was not seen.
        """
        waiting, found = list(self._waiting), list[tuple[Request, int]]()
        for place, message in enumerate(messages):
            if message.kind != 'response':
                continue
            if not message.parts:
                meter = ResponseMeter(None, stall_after=self.run.shared.stall_after)
                found.append((Request(0, streamed=True, model=UNKNOWN_MODEL, meter=meter, outcome='success'), place))
            elif waiting and _kinds(waiting[0]) == [part.part_kind for part in message.parts]:
                found.append((waiting.pop(0), place))
            else:
                return self._waiting
        if waiting:
            return self._waiting
        for step, (request, place) in enumerate(found, 1):
            request.step, request.messages, request.history = step, messages, place
            self._fill(request)
        return [request for request, _ in found]

    def _fill(self, request: Request) -> None:
        """Take from the messages what asked for the response, and when."""
        response = model_responses.response_at(request.messages, request.history)
        before = request.messages[: request.history]
        if response is not None and request.model == UNKNOWN_MODEL:
            request.model = model_responses.model_of_response(response)
        if run_context.asks_again(before):
            self.run.output_retries += 1
        asked, first = event_sources.made_at(before), request.meter.first_event
        if asked is not None and first is not None and not request.was_held:
            moment = self.run.moments.to_monotonic(asked)
            if self.run.started <= moment <= first:
                request.meter.started = moment


def _kinds(request: Request) -> list[str]:
    return [part.kind for part in request.meter.parts]
