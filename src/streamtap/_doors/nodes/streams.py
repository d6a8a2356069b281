"""The streams of a run's nodes, one at a time: the response to a request, or a round of tool calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from functools import partial
from typing import TYPE_CHECKING

from streamtap._doors.observed_stream import NoObserver
from streamtap._doors.response_observer import ResponseObserver
from streamtap._doors.tool_round import PROMPT, ToolRound
from streamtap._upstream import model_responses, outcomes, run_context

if TYPE_CHECKING:
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.nodes.node_run import NodeRun
    from streamtap._doors.observed_stream import ObservedStream, StreamObserver
    from streamtap._meter.response import ResponseMeter
    from streamtap._runs.caller import Caller
    from streamtap._runs.request import Request
    from streamtap._runs.shared import Shared
    from streamtap._upstream.model_responses import AskedModel

logger = logging.getLogger('streamtap')

LONGEST_WAIT = 600.0
"""Seconds that a model may have been silent before the handler is called; more means that the wall clock stepped."""


class NodeStreams:
    """Creates an object to measure each stream.

    Args:
        shared: What all runs share.
        caller: The run whose tool is executing in the current context.
    """

    def __init__(self, shared: Shared, caller: Caller) -> None:
        self.shared = shared
        self.caller = caller
        self._warned_truncated = False

    def begin(
        self, node_run: NodeRun, ctx: object, events: object, model: AskedModel | None = None
    ) -> RequestStream | ToolsStream:
        """A stream begins: of a model's response or of a round of tool calls.

        Args:
            node_run: The run that it belongs to.
            ctx: The run's context.
            events: The events that it is given.
            model: The model as the user named it, if it is not the context's.
        """
        with node_run.run.guard:
            if node_run.call.is_request:
                return RequestStream(self, node_run, ctx, events, model)
        return ToolsStream(self, node_run, ctx)

    def warn_truncated(self) -> None:
        """Warn once that `run_stream()` does not give its handler every event."""
        if not self._warned_truncated:
            self._warned_truncated = True
            with contextlib.suppress(Exception):
                logger.warning(
                    'streamtap: run_stream() gives its handler no event after the final result, so what follows is not '
                    'measured; attach the tap with capabilities=[tap.capability()] to measure the whole run'
                )


class RequestStream:
    """The stream of a model's response. No method raises.

    Args:
        streams: What all streams share.
        node_run: The run that it belongs to.
        ctx: The run's context.
        events: The events that it is given.
        model: The model as the user named it, if it is not the context's.
    """

    def __init__(
        self, streams: NodeStreams, node_run: NodeRun, ctx: object, events: object, model: AskedModel | None
    ) -> None:
        self._streams = streams
        self._node_run = node_run
        self._ctx = ctx
        self._events = events
        self._shared = streams.shared
        self.describe = node_run.run.tools.describe
        self._request: Request | None = None
        self._observer: StreamObserver = NoObserver()
        self._was_asked = False
        self._is_primed = node_run.call.is_primed
        self._entered = 0.0
        with node_run.run.guard:
            node_run.step += 1
            entered = self._entered = self._shared.clock.monotonic()
            started: float | None = entered
            if self._is_primed:
                # The request started before this call: the timestamp of its message says when.
                started = request_made_at(self._shared, ctx, entered, LONGEST_WAIT)
            self._request = node_run.run.begin_request(
                step=node_run.step,
                model=run_context.model_of(ctx) if model is None else model,
                mode='streamed',
                started=started,
                messages=run_context.messages_of(ctx),
            )
            self._observer = ResponseObserver(
                self.meter,
                self.describe,
                partial(self._shared.out.failed, node_run.run.identity.door),
                self.first_event,
            )

    @property
    def meter(self) -> ResponseMeter | None:
        """Measures the response; `None` in a durable run, which gets a response only when it is complete."""
        return None if self._request is None or self._node_run.run.gate is not None else self._request.meter

    def current(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to set: no tools execute during this call, so no run is nested in it."""
        return contextlib.nullcontext()

    def first_event(self) -> None:
        """Show the request to the trace: pydantic-ai's own span for it is current only while events are read.

        What it says of its usage by now shows whether that is repeated in each chunk.
        """
        self._node_run.run.trace.request_seen()
        with self._node_run.run.guard:
            if self.meter is not None and self._request is not None:
                self._request.first_input_tokens = model_responses.input_tokens_so_far(self._events)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        if self._request is not None and not self._was_asked:
            self._was_asked = True
            self._first_asked(self._request, now)
        self._observer.waiting(held_since, now)

    def _first_asked(self, request: Request, now: float) -> None:
        """The first event is asked for, which starts a lazy request; asked late, an open stream's timing is unknown."""
        if not self._is_primed:
            request.meter.started = now
        elif now - self._entered >= PROMPT:
            request.was_held, request.meter.started = True, None

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        self._observer.read(event, waited_from, now)

    def over(self, error: BaseException | None, shown: ObservedStream | None = None) -> None:
        """The stream is over.

        Args:
            error: The exception that ended it, if any.
            shown: The wrapper through which the user's handler read the events, if there is one.
        """
        with self._node_run.run.guard:
            if error is not None:
                self._node_run.raised(error, self._ctx)
            else:
                self._node_run.outcome, self._node_run.error_type = 'incomplete', None
            request = self._request
            if request is None:
                return
            now = self._shared.clock.monotonic()
            request.response = model_responses.streamed_response(self._events)
            if shown is not None and error is not shown.failure:
                # What the user's handler raises is not a failure of the stream; a failure that it swallows is one.
                stopped = None if shown.was_exhausted else asyncio.CancelledError()
                error = shown.failure if shown.failure is not None else stopped
            if error is not None:
                outcome = outcomes.request_outcome(error, self._ctx)
            elif request.response is None and request.meter.ended_at_final_result:
                outcome, request.is_truncated = 'incomplete', True
                self._streams.warn_truncated()
            else:
                outcome = 'success'
            self._node_run.run.request_over(request, outcome, error=error, now=now)


class ToolsStream:
    """The stream of a round of tool calls, whose response is complete. No method raises.

    Args:
        streams: What all streams share.
        node_run: The run that it belongs to.
        ctx: The run's context.
    """

    def __init__(self, streams: NodeStreams, node_run: NodeRun, ctx: object) -> None:
        self._node_run = node_run
        self._ctx = ctx
        self._shared = streams.shared
        self._caller = streams.caller
        self._waited_from = self._shared.clock.monotonic()
        self._tools: ToolRound | None = None
        with node_run.run.guard:
            node_run.run.settle()
            self._tools = ToolRound(node_run.run, step=node_run.step)

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A context in which a run that a tool starts becomes a child of this run."""
        return self._caller.calling(lambda: self._node_run.run)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        self._waited_from = now
        if held_since is not None:
            self._node_run.run.phases.hold(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with self._node_run.run.guard:
            if self._tools is not None:
                self._tools.feed(event, waited_from, now)

    def over(self, error: BaseException | None, shown: ObservedStream | None = None) -> None:
        """The stream is over; `error` is the exception that ended it, if any."""
        with self._node_run.run.guard:
            if error is not None:
                self._node_run.raised(error, self._ctx)
                if self._tools is not None:
                    self._tools.broke(error, self._waited_from, self._shared.clock.monotonic())
            elif self._tools is not None:
                self._tools.over()
                self._node_run.outcome, self._node_run.error_type = self._tools.ending, None


def request_made_at(shared: Shared, ctx: object, now: float, at_most: float) -> float | None:
    """When the request that is being answered was made; `None` if that is unknown, or implausible as the clock stepped.

    Args:
        shared: What all runs share.
        ctx: The run's context.
        now: The current time.
        at_most: Seconds that may have passed since then.
    """
    asked = run_context.request_unix_time(ctx)
    moment = None if asked is None else shared.read_clocks().to_monotonic(asked)
    return moment if moment is not None and now - at_most <= moment <= now else None
