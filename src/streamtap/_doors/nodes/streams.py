"""One call of the handler: for the response of a model, or for a round of tool calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from streamtap._delivery.guard import guarded
from streamtap._doors.tool_round import PROMPT, ToolEvents
from streamtap._upstream import model_responses, outcomes, run_context, stream_events

if TYPE_CHECKING:
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.nodes.endings import Watched
    from streamtap._doors.observed_stream import BesideEvents
    from streamtap._meter.response import ResponseMeter
    from streamtap._runs.caller import CurrentRun
    from streamtap._runs.request import Request
    from streamtap._runs.shared import Surroundings

logger = logging.getLogger('streamtap')

LONGEST_WAIT = 600.0
"""Seconds that a model may have been silent before the handler is called; more means that the wall clock stepped."""


class HandlerCalls:
    """Creates an object to measure each call.

    Args:
        around: What all runs share.
        current: The run whose tool is executing in the current context.
    """

    def __init__(self, around: Surroundings, current: CurrentRun) -> None:
        self.around = around
        self.current = current
        self._warned_truncated = False

    def begin(self, watched: Watched, ctx: object, events: object, model: object = None) -> ResponseCall | ToolsCall:
        """A call begins: for a model's response or for a round of tool calls.

        Args:
            watched: The run that it belongs to.
            ctx: The run's context.
            events: The events that it is given.
            model: The model as the user named it, if it is not the context's.
        """
        with guarded(self.around.out, watched.door):
            if run_context.model_call(ctx, events):
                return ResponseCall(self, watched, ctx, events, model)
        return ToolsCall(self, watched, ctx)

    def warn_truncated(self) -> None:
        """Warn once that `run_stream()` does not give its handler every event."""
        if not self._warned_truncated:
            self._warned_truncated = True
            with contextlib.suppress(Exception):
                logger.warning(
                    'streamtap: run_stream() gives its handler no event after the final result, so what follows is not '
                    'measured; attach the tap with capabilities=[tap.capability()] to measure the whole run'
                )


class ResponseCall:
    """A call for a model's response. No method raises.

    Args:
        calls: What all calls share.
        watched: The run that it belongs to.
        ctx: The run's context.
        events: The events that it is given.
        model: The model as the user named it, if it is not the context's.
    """

    def __init__(self, calls: HandlerCalls, watched: Watched, ctx: object, events: object, model: object) -> None:
        self._calls = calls
        self._watched = watched
        self._ctx = ctx
        self._events = events
        self._around = calls.around
        self.describe = watched.run.describe_tool
        self._request = None
        self._was_asked = self._is_primed = False
        self._entered = 0.0
        with guarded(self._around.out, watched.door):
            watched.step += 1
            entered = self._entered = self._around.clock.monotonic()
            started: float | None = entered
            self._is_primed = run_context.is_primed(ctx, events)
            if self._is_primed:
                # The request started before this call: the timestamp of its message says when.
                started = request_made_at(self._around, ctx, entered, LONGEST_WAIT)
            self._request = watched.run.begin_request(
                step=watched.step,
                model=run_context.model_of(ctx) if model is None else model,
                mode='streamed',
                started=started,
                messages=run_context.messages_of(ctx),
            )
            self._request.model_ids = run_context.model_ids(ctx) if model is None else ()

    @property
    def meter(self) -> ResponseMeter | None:
        """Measures the response; `None` in a durable run, which gets a response only when it is complete."""
        return None if self._request is None or self._watched.run.gate is not None else self._request.meter

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to set: no tools execute during this call, so no run is nested in it."""
        return contextlib.nullcontext()

    def first_event(self) -> None:
        """Show the request to the trace: pydantic-ai's own span for it is current only while events are read."""
        self._watched.run.trace.request_seen()

    def waiting(self, now: float) -> None:
        """The consumer asks for the next event."""
        if self._request is not None:
            if not self._was_asked:
                self._was_asked = True
                self._first_asked(self._request, now)
            self._request.meter.held = False
            self._request.meter.resumed_at = now

    def _first_asked(self, request: Request, now: float) -> None:
        """The first event is asked for, which starts a lazy request; asked late, an open stream's timing is unknown."""
        if not self._is_primed:
            request.started = request.meter.started = now
        elif now - self._entered >= PROMPT:
            request.hold()

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._around.out, self._watched.door):
            if self._request is not None:
                if self._request.meter.first_event is None:
                    self.first_event()
                if (meter := self.meter) is not None:
                    stream_events.feed_response(meter, event, waited_from, now, self.describe)
                    meter.held = True

    def held(self, start: float, end: float) -> None:
        """Nothing to do: the meter itself measures how long the consumer held the stream."""

    def over(self, error: BaseException | None, shown: BesideEvents | None = None) -> None:
        """The call is over.

        Args:
            error: The exception that ended it, if any.
            shown: The wrapper through which the user's handler read the events, if there is one.
        """
        with guarded(self._around.out, self._watched.door):
            if error is not None:
                self._watched.raised(error, self._ctx)
            else:
                self._watched.outcome, self._watched.error_type = 'incomplete', None
            request = self._request
            if request is None:
                return
            now = self._around.clock.monotonic()
            request.response = model_responses.streamed_response(self._events)
            if shown is not None and error is not shown.failure:
                # What the user's handler raises is not a failure of the stream; a failure that it swallows is one.
                stopped = None if shown.was_exhausted else asyncio.CancelledError()
                error = shown.failure if shown.failure is not None else stopped
            if error is not None:
                outcome = outcomes.request_outcome(error, self._ctx)
            elif request.response is None and request.meter.ended_at_final_result:
                outcome = 'incomplete'
                self._calls.warn_truncated()
            else:
                outcome = 'success'
            self._watched.run.request_over(request, outcome, error=error, now=now)


class ToolsCall:
    """A call for a round of tool calls, whose response is complete. No method raises.

    Args:
        calls: What all calls share.
        watched: The run that it belongs to.
        ctx: The run's context.
    """

    def __init__(self, calls: HandlerCalls, watched: Watched, ctx: object) -> None:
        self._watched = watched
        self._ctx = ctx
        self._around = calls.around
        self._current = calls.current
        self._waited_from = self._around.clock.monotonic()
        self._tools: ToolEvents | None = None
        with guarded(self._around.out, watched.door):
            watched.run.settle()
            self._tools = ToolEvents(watched.run, step=watched.step)

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A context in which a run that a tool starts becomes a child of this run."""
        return self._current.calling(lambda: self._watched.run)

    def waiting(self, now: float) -> None:
        """The consumer asks for the next event."""
        self._waited_from = now

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._around.out, self._watched.door):
            if self._tools is not None:
                self._tools.feed(event, waited_from, now)

    def held(self, start: float, end: float) -> None:
        """The consumer held an event from `start` to `end`."""
        self._watched.run.phases.hold(start, end)

    def over(self, error: BaseException | None, shown: BesideEvents | None = None) -> None:
        """The call is over.

        Args:
            error: The exception that ended it, if any.
            shown: The wrapper through which the user's handler read the events, if there is one.
        """
        with guarded(self._around.out, self._watched.door):
            if error is not None:
                self._watched.raised(error, self._ctx)
                if self._tools is not None:
                    self._tools.broke(error, self._waited_from, self._around.clock.monotonic())
            elif self._tools is not None:
                self._tools.over()
                self._watched.outcome, self._watched.error_type = self._tools.ending, None


def request_made_at(around: Surroundings, ctx: object, now: float, at_most: float) -> float | None:
    """When the request that is being answered was made; `None` if that is unknown, or implausible as the clock stepped.

    Args:
        around: What all runs share.
        ctx: The run's context.
        now: The current time.
        at_most: Seconds that may have passed since then.
    """
    asked = run_context.request_unix_time(ctx)
    moment = None if asked is None else around.moments.to_monotonic(asked)
    return moment if moment is not None and now - at_most <= moment <= now else None
