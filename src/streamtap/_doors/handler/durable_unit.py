"""A handler called inside a unit of a durable engine: `DBOSDurability(event_stream_handler=tap)` and its siblings.

A unit (step, task, activity) is not run again on recovery, and may run in another process than its run. It passes its
handler the events of one response as they arrive, or a single event of a tool call, with a context that lacks much.
So responses and tool calls are reported from here, but no runs: a unit does not know when a run begins or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from streamtap._delivery.guard import guarded
from streamtap._doors.observed_stream import BesideEvents
from streamtap._meter.response import ResponseMeter
from streamtap._runs.run import Run
from streamtap._runs.shared import Owner
from streamtap._upstream import durable, event_sources, outcomes, run_context, stream_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent, ModelResponse

    from streamtap._runs.registry import Runs
    from streamtap._runs.request import Request
    from streamtap._runs.shared import Surroundings

WHERE = 'handler'


class UnitCalls:
    """Measures the calls inside units.

    Args:
        around: What all runs share.
        runs: The tap's open runs: a run that another door measures gets the stream timing of its responses from here.
        labels: The names of the user's own dimensions.
    """

    def __init__(self, around: Surroundings, runs: Runs, *, labels: tuple[str, ...]) -> None:
        self._around = around
        self._runs = runs
        self._labels = labels

    async def handle(
        self,
        ctx: RunContext[Any],
        events: AsyncIterable[AgentStreamEvent],
        handler: EventStreamHandler[Any] | None = None,
    ) -> None:
        """Measure one call, while the user's own handler reads the events, if there is one."""
        call = UnitCall(self._around, self._runs, ctx, events, self._labels)
        shown = BesideEvents(events, self._around.clock.monotonic, call)
        try:
            if handler is not None:
                await handler(ctx, shown)
            await shown.read_on()
        except BaseException as error:
            # An exception of the user's handler is not a failure of the stream.
            call.over(error if shown.failure is None else shown.failure, ctx)
            raise
        call.over(None, ctx)


class UnitCall:
    """One call: for the events of a response, or for a single event of a tool call. No method raises.

    Args:
        around: What all runs share.
        runs: The tap's open runs.
        ctx: The run's context, as far as it is available in the unit.
        events: The events that the call is given.
        labels: The names of the user's own dimensions.
    """

    def __init__(self, around: Surroundings, runs: Runs, ctx: object, events: object, labels: tuple[str, ...]) -> None:
        self._around = around
        self._runs = runs
        self._request: Request | None = None
        self._run: Run | None = None
        self._is_measured_elsewhere = False
        with guarded(around.out, WHERE):
            self._stream = durable.stream_in_unit(events)
            self._ctx = ctx
            who = run_context.who(ctx)
            self._step = who.step
            measured = runs.get(who.run_id)
            self._is_measured_elsewhere = measured is not None
            self._run = measured or Run(
                Owner(
                    run_id=who.run_id,
                    conversation_id=who.conversation_id,
                    agent=who.agent,
                    root_agent=who.agent,
                    door=WHERE,
                    labels=run_context.metadata_labels(ctx, labels, {}),
                    instrumented=run_context.is_instrumented(ctx),
                ),
                None,
                around.clock.monotonic(),
                around,
            )

    def waiting(self, now: float) -> None:
        """The consumer asks for the next event."""
        if self._request is not None:
            self._request.meter.held = False
            self._request.meter.resumed_at = now

    def held(self, start: float, end: float) -> None:
        """Nothing to do: the meter itself measures how long the stream was held."""

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived and is handed to the consumer."""
        with guarded(self._around.out, WHERE):
            run = self._run
            if run is None:
                return
            if event_sources.is_of_response(event):
                if self._request is None:
                    self._request = self._join(run) if self._is_measured_elsewhere else self._begin(run)
                if self._request is not None:
                    stream_events.feed_response(self._request.meter, event, waited_from, now, run.describe_tool)
                    self._request.meter.held = True
            elif not self._is_measured_elsewhere:
                self._tool(run, event, now)

    def over(self, error: BaseException | None, ctx: object) -> None:
        """The call is over."""
        with guarded(self._around.out, WHERE):
            request, run = self._request, self._run
            if request is None or run is None:
                return
            now = self._around.clock.monotonic()
            request.meter.held = False
            request.meter.stop(now)
            if self._is_measured_elsewhere:
                return
            request.response = cast('ModelResponse | None', durable.response_of_unit(self._stream))
            outcome = 'success' if error is None else outcomes.request_outcome(error, ctx)
            run.request_over(request, outcome, error=error, now=now)
            run.settle()

    def _tool(self, run: Run, event: AgentStreamEvent, now: float) -> None:
        result = stream_events.tool_result(event, run.tool_manager)
        if result is None or durable.was_skipped(event):
            return
        reported = self._runs.reported_calls(run.owner.run_id)
        call = self._step, result.tool_call_id
        # Prefect may run an event's unit again: it finds its record only if parallel tools end in the same order.
        if call not in reported:
            reported.add(call)
            run.tool_answered(result, step=self._step, now=now)

    def _begin(self, run: Run) -> Request:
        """Begin a response that only this call reports: its stream was opened before, at an unknown time."""
        return run.begin_request(
            step=self._step, model=run_context.model_of(self._ctx), mode='streamed', started=None, messages=()
        )

    def _join(self, run: Run) -> Request | None:
        """Join a response for which a run that another door measures is waiting, outside the unit."""
        request = run.open_request
        if request is None:
            return None
        if request.streamed:
            # The engine has tried this unit before: when this attempt began is unknown.
            request.started = None
            request.meter = ResponseMeter(None, stall_after=self._around.stall_after)
        request.streamed = True
        return request
