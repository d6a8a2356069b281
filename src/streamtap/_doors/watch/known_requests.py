"""The requests of a watched run that is known: each is told from the others by where the run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._doors.observed_stream import NoObserver
from streamtap._doors.watch.requests import Requests
from streamtap._meter.response import ResponseMeter
from streamtap._upstream import event_sources, outcomes, stream_events
from streamtap._upstream.model_responses import is_complete
from streamtap._upstream.run_context import asks_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._runs.request import Request
    from streamtap._runs.run import Run
    from streamtap._upstream.model_responses import AskedModel
    from streamtap._upstream.run_behind import RequestOfRun, RunBehind


class KnownRequests(Requests):
    """The requests of a run whose graph can be read.

    The graph knows which request an event belongs to, also where a provider pauses a turn; which requests were answered
    without an event; and which answer is whose, whatever becomes of the run's messages.

    Args:
        run: The run.
        behind: Where the run is.
        asked: The model that the run asks now.
        failed: Called with each exception that the tap itself raises.
    """

    def __init__(
        self,
        run: Run,
        behind: RunBehind,
        asked: Callable[[], AskedModel],
        failed: Callable[[BaseException], None],
    ) -> None:
        super().__init__(run, asked, failed)
        self._behind = behind
        self._latest: RequestOfRun | None = None
        self._may_be_complete = False

    def catch_up(self, now: float) -> None:
        """Follow the run to where it is, as far as its events have been read."""
        if self.request is None or self._may_be_complete:
            self._follow(now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float, last_at: float | None) -> None:
        """An event of a response arrived."""
        if stream_events.started_part(event) is not None:
            self._follow(now)
        request = self.request
        if request is None:
            return
        if request.meter.first_event is None:
            if self._latest is not None and not self._latest.was_sent:
                # Another capability answers it.
                self._forget(request)
                return
            self.first_event(request, waited_from, now, last_at)
        self.observer.read(event, waited_from, now)
        self._may_be_complete = event_sources.is_last_part_end(event)

    def answered(self, now: float) -> None:
        """An event arrived that is none of a response: the one in progress is complete."""
        self._follow(now)

    def over(self, error: BaseException | None, result: object, ctx: object, now: float) -> None:
        """No more events will arrive."""
        self._follow(now)
        request, latest, messages = self.request, self._latest, self._behind.messages()
        if request is None or latest is None:
            # The last of them may be a request that sends an output back, and that the run did not come to make.
            self.run.messages = messages
            return
        request.response, request.prefix = latest.billed(messages), latest.prefix
        if not latest.was_sent:
            self._forget(request)
        elif request.response is not None and is_complete(request.response):
            # The model did answer, and another capability or a limit rejected the answer.
            self._report(self.finish('success', now))
        else:
            outcome = 'incomplete' if error is None else outcomes.request_outcome(error, ctx)
            self._report(self.finish(outcome, now, error))

    def _follow(self, now: float) -> None:
        """Report what was answered since, and begin the request that the run makes now."""
        making, step = self._behind.where()
        if making is not None and self._latest is not None and making.node is self._latest.node:
            return
        # An answer without content has no event: what follows it is made right after it.
        made = None if making is None else making.made_at
        ended = now if made is None else min(now, self.run.moments.to_monotonic(made))
        if self.request is not None:
            self._complete(self.request, now, ended)
        answered = step - (making is not None)
        while self.step < answered:
            self._answered_silently(making, answered, now, ended)
        if making is not None:
            self._begin(making, now)

    def _begin(self, making: RequestOfRun | None, now: float) -> Request:
        self.step += 1
        self._latest, self._may_be_complete = making, False
        request = self.begin(now)
        if making is not None:
            if making.asks_again:
                self.run.output_retries += 1
            request.meter.started = self._asked_at(making.made_at, now)
        return request

    def _asked_at(self, made: float | None, now: float) -> float | None:
        """When a request began, by the time of its message; `None` if that cannot be."""
        moment = None if made is None else self.run.moments.to_monotonic(made)
        return moment if moment is not None and self.run.started <= moment <= now else None

    def _answered_silently(self, making: RequestOfRun | None, answered: int, now: float, ended: float) -> None:
        """A request was answered with nothing: an answer without parts has no events.

        Args:
            making: The request that the run makes now.
            answered: How many were answered.
            now: The current time.
            ended: When the last of them was answered.
        """
        silent = None if self._latest is None else self._latest.next
        if silent is not None and making is not None and silent.node is making.node:
            # Another capability went on with a node of its own.
            silent = None
        request = self._begin(silent, now)
        if silent is None:
            # Nothing of it was seen; the messages have its answer, unless somebody changed them.
            messages = self._behind.messages()
            places = [place for place, message in enumerate(messages) if message.kind == 'response']
            if answered <= len(places) <= answered + (making is not None):
                request.messages, request.history = messages, places[self.step - 1]
                self.run.output_retries += asks_again(messages[: request.history])
                request.meter.started = self._asked_at(event_sources.made_at(messages[: request.history]), now)
        self._complete(request, now, ended)

    def _complete(self, request: Request, now: float, ended: float) -> None:
        latest = self._latest
        if latest is not None:
            if not latest.was_sent:
                self._forget(request)
                return
            request.response, request.prefix = latest.billed(self._behind.messages()), latest.prefix
            if (committed := latest.committed) is not None:
                request.messages, request.history = (committed,), 0
        if request.meter.first_event is None:
            request.meter = ResponseMeter(request.meter.started, stall_after=self.run.shared.stall_after)
            now = ended
        self._report(self.finish('success', now))

    def _forget(self, request: Request) -> None:
        self.run.forget(request)
        self.request, self.observer = None, NoObserver()

    def _report(self, request: Request | None) -> None:
        if request is not None:
            self.run.report(request)
