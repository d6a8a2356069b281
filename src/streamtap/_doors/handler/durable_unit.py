"""A handler called inside a unit of a durable engine: `DBOSDurability(event_stream_handler=tap)` and its siblings.

A unit (step, task, activity) is not run again on recovery, and may run in another process than its run. It passes its
handler the events of one response as they arrive, or a single event of a tool call, with a context that lacks much.
So responses and tool calls are reported from here, but no runs: a unit does not know when a run begins or ends.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from streamtap._delivery.guard import guarded
from streamtap._doors.observed_stream import NoObserver, ObservedStream
from streamtap._doors.response_observer import ResponseObserver
from streamtap._meter.response import ResponseMeter
from streamtap._upstream import durable, event_sources, outcomes, run_context, stream_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent, ModelResponse

    from streamtap._doors.observed_stream import StreamObserver
    from streamtap._runs.registry import Runs
    from streamtap._runs.request import Request
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared

WHERE = 'handler'


class DurableUnits:
    """Measures the calls inside units.

    Args:
        shared: What all runs share.
        runs: The tap's open runs: a run that another door measures gets the stream timing of its responses from here.
    """

    def __init__(self, shared: Shared, runs: Runs) -> None:
        self._shared = shared
        self._runs = runs

    async def handle(
        self,
        ctx: RunContext[Any],
        events: AsyncIterable[AgentStreamEvent],
        handler: EventStreamHandler[Any] | None = None,
    ) -> None:
        """Measure one call, while the user's own handler reads the events, if there is one."""
        call = DurableUnit(self._shared, self._runs, ctx, events)
        shown = ObservedStream(events, self._shared.clock.monotonic, call)
        try:
            if handler is not None:
                await handler(ctx, shown)
            await shown.read_on()
        except BaseException as error:
            # An exception of the user's handler is not a failure of the stream.
            call.over(error if shown.failure is None else shown.failure, ctx)
            raise
        call.over(None, ctx)


class DurableUnit:
    """One call: for the events of a response, or for a single event of a tool call. No method raises.

    Args:
        shared: What all runs share.
        runs: The tap's open runs.
        ctx: The run's context, as far as it is available in the unit.
        events: The events that the call is given.
    """

    def __init__(self, shared: Shared, runs: Runs, ctx: object, events: object) -> None:
        self._shared = shared
        self._runs = runs
        self._request: Request | None = None
        self._observer: StreamObserver = NoObserver()
        self._run: Run | None = None
        self._is_measured_elsewhere = False
        with guarded(shared.out, WHERE):
            self._stream = durable.stream_in_unit(events)
            self._ctx = ctx
            who = run_context.who(ctx)
            self._step = who.step
            measured = runs.get(who.run_id)
            self._is_measured_elsewhere = measured is not None
            self._run = measured or runs.unopened(ctx, WHERE)

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        self._observer.waiting(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._shared.out, WHERE):
            run = self._run
            if run is None:
                return
            if event_sources.is_of_response(event):
                if self._request is None:
                    request = self._request = self._join(run) if self._is_measured_elsewhere else self._begin(run)
                    if request is not None:
                        failed = partial(self._shared.out.failed, WHERE)
                        self._observer = ResponseObserver(request.meter, run.tools.describe, failed)
                self._observer.read(event, waited_from, now)
            elif not self._is_measured_elsewhere:
                self._tool(run, event, now)

    def over(self, error: BaseException | None, ctx: object) -> None:
        """The call is over."""
        with guarded(self._shared.out, WHERE):
            request, run = self._request, self._run
            if request is None or run is None:
                return
            now = self._shared.clock.monotonic()
            request.meter.held = False
            request.meter.stop(now)
            if self._is_measured_elsewhere:
                return
            request.response = cast('ModelResponse | None', durable.response_of_unit(self._stream))
            outcome = 'success' if error is None else outcomes.request_outcome(error, ctx)
            run.request_over(request, outcome, error=error, now=now)
            run.settle()

    def _tool(self, run: Run, event: AgentStreamEvent, now: float) -> None:
        result = stream_events.tool_result(event)
        if result is None or durable.was_skipped(event):
            return
        reported = self._runs.reported_calls(run.identity.run_id)
        call = self._step, result.tool_call_id
        # Prefect may run an event's unit again: it finds its record only if parallel tools end in the same order.
        if call not in reported:
            reported.add(call)
            run.tools.answered(result, step=self._step, now=now)

    def _begin(self, run: Run) -> Request:
        """Begin a response that only this call reports: its stream was opened before, at an unknown time."""
        return run.begin_request(step=self._step, model=run_context.model_of(self._ctx), mode='streamed', started=None)

    def _join(self, run: Run) -> Request | None:
        """Join a response for which a run that another door measures is waiting, outside the unit."""
        request = run.open_request
        if request is None:
            return None
        if request.streamed:
            # The engine has tried this unit before: when this attempt began is unknown.
            request.meter = ResponseMeter(None, stall_after=self._shared.stall_after)
        request.streamed = True
        return request
