"""A whole run, inferred from one stream with the events of all its responses and tools, which carry no names."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from streamtap._delivery.guard import guarded
from streamtap._doors.nodes.endings import weakly
from streamtap._doors.observed_stream import NoObserver
from streamtap._doors.response_observer import ResponseObserver
from streamtap._doors.tool_round import ToolRound, was_ready
from streamtap._doors.watch.pending import PendingRequests, take_start
from streamtap._upstream import event_sources, outcomes, run_context, stream_events
from streamtap._upstream.model_responses import UNKNOWN_MODEL, is_empty_answer, named_model

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Sequence

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage

    from streamtap._doors.observed_stream import StreamObserver
    from streamtap._doors.watch.names import Names
    from streamtap._records.records import RunOutcome
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.request import Request
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared
    from streamtap._upstream.model_responses import AskedModel

WHERE = 'watch'


class EventsRun:
    """Reads the events of a whole run. No method raises.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        caller: The run whose tools are being called here.
        events: The events.
        names: The names of agent and model that the user passed.
    """

    def __init__(self, runs: Runs, shared: Shared, caller: Caller, *, events: object, names: Names) -> None:
        self._runs = runs
        self._shared = shared
        self._caller = caller
        # Other events lead to no context, and holding them would keep them from being closed.
        self._events = events if event_sources.tells_context_later(events) else None
        self._names = names
        bare = event_sources.bare_response(events)
        self._bare = weakly(bare) if bare is not None else lambda: None
        self._lock = threading.RLock()
        self._pulled_at: float | None = None
        self._context: contextvars.Context | None = None
        self._waited_from = 0.0
        self._last_at: float | None = None
        self._run: Run | None = None
        self._is_measured_elsewhere = False
        self._is_opening = False
        self._model = UNKNOWN_MODEL
        self._request: Request | None = None
        self._observer: StreamObserver = NoObserver()
        self._tools: ToolRound | None = None
        self._pending = PendingRequests()
        self._responses = 0
        self._result: object = None

    def catch_up(self) -> None:
        """Open the run if its context is known by now, also one that hangs before its first event."""
        with guarded(self._shared.out, WHERE):
            ctx = event_sources.context_of_events(self._events)
            if ctx is not None:
                self._open_where_begun(ctx)

    def begin(self, now: float) -> None:
        """The consumer asks for the first event."""
        self._pulled_at = now
        self._context = contextvars.copy_context()
        if not event_sources.tells_context_later(self._events):
            with guarded(self._shared.out, WHERE):
                self._open_where_begun(event_sources.UnknownRun(uuid4().hex))

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Inside the block, a run that a tool starts knows which run called it."""
        return self._caller.calling(lambda: self._run)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        self._waited_from = now
        if self._request is not None:
            self._observer.waiting(held_since, now)
        elif self._run is not None and held_since is not None:
            self._run.phases.hold(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._shared.out, WHERE):
            run = self._opened()
            if run is None:
                return
            if event_sources.is_of_response(event):
                self._of_response(run, event, waited_from, now)
            elif event_sources.is_of_tools(event):
                self._response_over(run, now)
                if self._tools is None:
                    self._pending.report(run, self._messages(), self._responses)
                    run.tool_manager = self._tool_manager()
                    self._tools = ToolRound(run, step=self._responses, is_ahead=True)
                self._tools.feed(event, waited_from, now)
            else:
                self._result = event_sources.result_of(event) or self._result
            self._last_at = now

    def over(self, error: BaseException | None) -> None:
        """No more events will be read.

        Args:
            error: What ended them; `None` at their end.
        """
        with guarded(self._shared.out, WHERE):
            ctx = event_sources.context_of_events(self._events)
            if self._pulled_at is None or (ctx is None and self._run is None and self._events is not None):
                # The run was stopped before it began.
                return
            run = self._opened()
            if run is None:
                return
            now = self._shared.clock.monotonic()
            outcome: RunOutcome = 'incomplete'
            error_type: str | None = None
            if self._result is not None:
                # A consumer that stops after the result has missed nothing.
                error = None
                outcome = 'deferred' if run_context.is_deferred_result(self._result) else 'success'
            elif error is not None:
                outcome, error_type = outcomes.run_ending(error, ctx)
            elif self._bare() is not None:
                # It is all that was asked for, and it came to its end.
                outcome = 'success'
            messages = self._messages()
            if error is not None:
                self._broke_off(run, error, messages, now)
            self._response_over(run, now)
            if self._tools is not None and error is not None:
                # If the run was stopped, what its consumer gets is not an exception of a tool.
                stopped = outcome in ('cancelled', 'timeout')
                self._tools.broke(asyncio.CancelledError() if stopped else error, self._waited_from, now)
            elif self._tools is not None:
                self._tools.over()
            self._pending.report(run, messages, self._responses)
            self._pending.report_all(run)
            run.tool_manager = None
            # The context of the run's own task holds this object, which must not hold the run's events in turn.
            self._events = self._result = None
            run.messages = messages
            self._runs.end(run, outcome, error_type, now=now)

    # The run

    def _opened(self) -> Run | None:
        if self._run is None and not self._is_measured_elsewhere:
            self._open_where_begun(
                event_sources.context_of_events(self._events) or event_sources.UnknownRun(uuid4().hex)
            )
        return self._run

    def _open_where_begun(self, ctx: object) -> None:
        """Open the run, wherever this is called, inside the span in which its events were first asked for."""
        if self._context is not None:
            # A copy, because a sink that is called about the run may call back into here.
            self._context.copy().run(self._open, ctx)

    def _open(self, ctx: object) -> None:
        with self._lock:
            # This is re-entered by a sink that is called about the run and asks what is open.
            if self._run is not None or self._is_measured_elsewhere or self._is_opening:
                return
            self._is_opening = True
            started = self._pulled_at or self._shared.clock.monotonic()
            run = self._runs.open(ctx, WHERE, started=started, call='later', agent=self._names.agent)
            if run is None:
                self._is_measured_elsewhere = True
                return
            self._model = self._names.asked() or self._named_by_stream() or run_context.model_of(ctx)
            # The request is only expected: a usage limit may forbid it.
            self._expect_request(run).meter.resumed_at = started
            self._run = run
            self._is_opening = False
            self._context = None

    def _named_by_stream(self) -> AskedModel | None:
        bare = event_sources.bare_response(self._bare())
        return None if bare is None else named_model(bare.provider_name, bare.model_name)

    # Responses

    def _expect_request(self, run: Run) -> Request:
        request = self._request = run.begin_request(
            step=self._responses + 1, model=self._model, mode='streamed', started=None, sent='perhaps'
        )
        self._observer = self._observe(run, request)
        return request

    def _observe(self, run: Run, request: Request) -> ResponseObserver:
        return ResponseObserver(request.meter, run.describe_tool, partial(self._shared.out.failed, WHERE))

    def _of_response(self, run: Run, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        if self._tools is not None:
            self._tools.over()
            self._tools = None
        if self._request is None:
            if (continued := self._continued(run, event)) is not None:
                self._observe(run, continued).read(event, waited_from, now)
                return
            if stream_events.started_part(event) is None:
                return
            self._pending.report(run, self._messages(), self._responses)
        request = self._request or self._expect_request(run)
        if request.meter.first_event is None:
            run.request_sent(request)
            run.tool_manager = self._tool_manager()
            if self._last_at is not None:
                # The run continues while the consumer holds an event: what is ready when asked for had come before.
                request.was_held = was_ready(self._last_at, waited_from, now)
        self._observer.read(event, waited_from, now)
        if event_sources.is_last_part_end(event):
            self._response_over(run, now)

    def _continued(self, run: Run, event: AgentStreamEvent) -> Request | None:
        """The response to which this event still belongs: a provider may pause a turn, which then goes on."""
        is_new = stream_events.started_part(event) == 0
        return run.unsettled if run.unsettled is not None and run.unsettled.meter.parts and not is_new else None

    def _response_over(self, run: Run, now: float) -> None:
        """The response is complete; an expected request of which no event was seen was never sent."""
        request, self._request = self._request, None
        if request is None:
            return
        if request.meter.first_event is None:
            run.forget(request)
            return
        self._responses += 1
        if (bare := event_sources.bare_response(self._bare())) is not None:
            request.response = bare.get()
            # It was sent before its events were asked for, and nothing says when.
            request.meter.first_visible = request.meter.final_result = None
        run.request_over(request, 'success', now=now)

    def _broke_off(self, run: Run, error: BaseException, messages: Sequence[ModelMessage], now: float) -> None:
        """The exception that ended the events also ended the request in progress, if there was one.

        Where the messages can be read, they have the response, as far as it came, of a request that was sent; the
        exceptions are below.
        """
        has_response = sum(message.kind == 'response' for message in messages) > self._responses
        if has_response and self._request is None:
            self._pending.report(run, messages[:-1], self._responses)
            self._expect_request(run)
        request = self._request
        if request is None:
            return
        if has_response and request.meter.first_event is None and is_empty_answer(messages[-1]):
            # It was answered with nothing, which its messages report; the run ended because that is no use to it.
            self._request = None
            run.forget(request)
            return
        # A run whose messages can be read has some before it sends a request.
        can_be_sent = bool(messages) or self._events is None
        # After a cancellation, or if the model failed, the messages may lack the response.
        may_lack_response = not messages or isinstance(error, asyncio.CancelledError) or outcomes.is_of_model(error)
        if has_response or (can_be_sent and may_lack_response) or request.meter.first_event is not None:
            self._request = None
            if not has_response:
                self._pending.report(run, messages, self._responses)
            self._responses += has_response
            ctx = event_sources.context_of_events(self._events)
            run.request_over(request, outcomes.request_outcome(error, ctx), error=error, now=now)
            take_start(run, request, messages)
            if not has_response:
                # No message is its response; the last response belongs to the previous request.
                run.settle()

    def _tool_manager(self) -> object | None:
        return run_context.tool_manager(event_sources.context_of_events(self._events))

    def _messages(self) -> Sequence[ModelMessage]:
        holder = self._events if self._result is None else self._result
        return event_sources.new_messages(holder)
