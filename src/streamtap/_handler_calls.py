"""One call of the handler: when it begins, what it reads, and what is known when it is over."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._guard import guarded
from streamtap._tool_events import PROMPT, ToolEvents

if TYPE_CHECKING:
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._beside import BesideEvents
    from streamtap._current_run import CurrentRun
    from streamtap._endings import Watched
    from streamtap._meter import ResponseMeter
    from streamtap._response_record import Request
    from streamtap._surroundings import Surroundings

logger = logging.getLogger('streamtap')

LONGEST_WAIT = 600.0
"""Seconds that a model can have been silent before the handler is called; more is a step of the wall clock."""


class HandlerCalls:
    """Begins calls.

    Args:
        around: What all runs share.
        current: The run whose tools are being called here.
    """

    def __init__(self, around: Surroundings, current: CurrentRun) -> None:
        self.around = around
        self.current = current
        self._said_truncated = False

    def begin(self, watched: Watched, ctx: object, events: object, model: object = None) -> ResponseCall | ToolsCall:
        """A call begins: for a model's response or for a round of tools.

        Args:
            watched: Whose call it is.
            ctx: The run's context.
            events: What it is given to read.
            model: What the user calls the model, if it is not the context's.
        """
        with guarded(self.around.out, watched.door):
            if _upstream.model_call(ctx, events):
                return ResponseCall(self, watched, ctx, events, model)
        return ToolsCall(self, watched, ctx)

    def say_truncated(self) -> None:
        """Say once that `run_stream()` does not show its handler everything."""
        if not self._said_truncated:
            self._said_truncated = True
            with contextlib.suppress(Exception):
                logger.warning(
                    'streamtap: run_stream() gives its handler no event after the final result, so what follows is not '
                    'measured; attach the tap with capabilities=[tap.capability()] to measure it whole'
                )


class ResponseCall:
    """A call for a model's response. No method raises.

    Args:
        calls: What all calls share.
        watched: Whose call it is.
        ctx: The run's context.
        events: What it is given to read.
        model: What the user calls the model, if it is not the context's.
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
            self._is_primed = _upstream.is_primed(ctx, events)
            if self._is_primed:
                # The request started before: it is known when it was made.
                started = asked_at(self._around, ctx, entered, LONGEST_WAIT)
            self._request = watched.run.begin_request(
                step=watched.step,
                model=_upstream.model_of(ctx) if model is None else model,
                mode='streamed',
                started=started,
                messages=_upstream.messages_of(ctx),
            )
            self._request.model_ids = _upstream.model_ids(ctx) if model is None else ()

    @property
    def meter(self) -> ResponseMeter | None:
        """Measures the response; a durable run is given it as a whole, and its events tell nothing of its pace."""
        return None if self._request is None or self._watched.run.gate is not None else self._request.meter

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is called in here that could be another run."""
        return contextlib.nullcontext()

    def first_event(self) -> None:
        """Only in the loop over events pydantic-ai's own span of the request is current."""
        self._watched.run.trace.request_seen()

    def waiting(self, now: float) -> None:
        """An event is asked for."""
        if self._request is not None:
            if not self._was_asked:
                self._was_asked = True
                self._first_asked(self._request, now)
            self._request.meter.held = False
            self._request.meter.resumed_at = now

    def _first_asked(self, request: Request, now: float) -> None:
        """Whoever reads had time to do something else first: of a stream that waited for it, nobody knows how long."""
        if not self._is_primed:
            request.started = request.meter.started = now
        elif now - self._entered >= PROMPT:
            request.hold()

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to whoever asked."""
        with guarded(self._around.out, self._watched.door):
            if self._request is not None:
                if self._request.meter.first_event is None:
                    self.first_event()
                if (meter := self.meter) is not None:
                    _upstream.feed_response(meter, event, waited_from, now, self.describe)
                    meter.held = True

    def held(self, start: float, end: float) -> None:
        """The meter tells by itself who held the stream."""

    def over(self, error: BaseException | None, shown: BesideEvents | None = None) -> None:
        """The call is over.

        Args:
            error: What left it.
            shown: What somebody else read the events through.
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
            request.response = _upstream.streamed_response(self._events)
            if shown is not None and error is not shown.failure:
                # What the user's handler raises is no failure of the stream, and what it swallows is one.
                stopped = None if shown.was_exhausted else asyncio.CancelledError()
                error = shown.failure if shown.failure is not None else stopped
            if error is not None:
                outcome = _upstream.request_outcome(error, self._ctx)
            elif request.response is None and request.meter.ended_at_final_result:
                outcome = 'incomplete'
                self._calls.say_truncated()
            else:
                outcome = 'success'
            self._watched.run.request_over(request, outcome, error=error, now=now)


class ToolsCall:
    """A call for a round of tools: the response that asked for them is complete. No method raises.

    Args:
        calls: What all calls share.
        watched: Whose call it is.
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
        """A run that a tool starts in here knows which run called it."""
        return self._current.calling(lambda: self._watched.run)

    def waiting(self, now: float) -> None:
        """An event is asked for."""
        self._waited_from = now

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived, and goes to whoever asked."""
        with guarded(self._around.out, self._watched.door):
            if self._tools is not None:
                self._tools.feed(event, waited_from, now)

    def held(self, start: float, end: float) -> None:
        """Whoever asked held an event for that long."""
        self._watched.run.phases.hold(start, end)

    def over(self, error: BaseException | None, shown: BesideEvents | None = None) -> None:
        """The call is over.

        Args:
            error: What left it.
            shown: What somebody else read the events through.
        """
        with guarded(self._around.out, self._watched.door):
            if error is not None:
                self._watched.raised(error, self._ctx)
                if self._tools is not None:
                    self._tools.broke(error, self._waited_from, self._around.clock.monotonic())
            elif self._tools is not None:
                self._tools.over()
                self._watched.outcome, self._watched.error_type = self._tools.ending, None


def asked_at(around: Surroundings, ctx: object, now: float, at_most: float) -> float | None:
    """When the request that is being answered was made; `None` if a step of the wall clock makes it a nonsense.

    Args:
        around: What all runs share.
        ctx: The run's context.
        now: The present moment.
        at_most: Seconds that can have passed since.
    """
    asked = _upstream.request_unix_time(ctx)
    moment = None if asked is None else around.moments.to_monotonic(asked)
    return moment if moment is not None and now - at_most <= moment <= now else None
