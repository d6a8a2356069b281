"""The handler door: `event_stream_handler=tap`. It sees every event of its run, but is not notified of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap._delivery.guard import guarded
from streamtap._doors.nodes.streams import ResponseCall
from streamtap._doors.observed_stream import BesideEvents
from streamtap._upstream import durable, stream_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.handler.durable_unit import UnitCalls
    from streamtap._doors.nodes.runs import HandlerRuns
    from streamtap._doors.nodes.streams import HandlerCalls, ToolsCall
    from streamtap._runs.shared import Surroundings

WHERE = 'handler'


class HandlerDoor:
    """Measures the runs that have the tap as their handler.

    Args:
        around: What all runs share.
        runs: Finds the run that a call belongs to.
        calls: Creates an object to measure each call.
        units: Measures the calls inside units of a durable engine.
    """

    def __init__(self, around: Surroundings, runs: HandlerRuns, calls: HandlerCalls, units: UnitCalls) -> None:
        self._out = around.out
        self._monotonic = around.clock.monotonic
        self._runs = runs
        self._calls = calls
        self._units = units

    async def handle(self, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]) -> None:
        """Measure one call of the handler; even if the tap fails, the events are drained and the run continues."""
        if self._is_in_unit(events):
            await self._units.handle(ctx, events)
            return
        watched = self._runs.enter(ctx, events, WHERE)
        if watched is None:
            async for _ in events:
                pass
            return
        try:
            call = self._calls.begin(watched, ctx, events)
            read = self._read_response(call, events) if isinstance(call, ResponseCall) else self._read(call, events)
            try:
                with call.current():
                    await read
            except BaseException as error:
                call.over(error)
                raise
            call.over(None)
        finally:
            self._runs.leave(watched)

    async def handle_beside(
        self, ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent], handler: EventStreamHandler[Any]
    ) -> None:
        """Measure one call while the user's own handler reads the events, as if the tap were not there."""
        if self._is_in_unit(events):
            await self._units.handle(ctx, events, handler)
            return
        watched = self._runs.enter(ctx, events, WHERE)
        if watched is None:
            await handler(ctx, events)
            return
        try:
            call = self._calls.begin(watched, ctx, events)
            shown = BesideEvents(events, self._monotonic, call)
            try:
                with call.current():
                    await handler(ctx, shown)
                    # What the handler left unread, pydantic-ai would drain; draining it here lets the tap see it.
                    await shown.read_on()
            except BaseException as error:
                call.over(error, shown)
                raise
            call.over(None, shown)
        finally:
            self._runs.leave(watched)

    def _is_in_unit(self, events: object) -> bool:
        with guarded(self._out, WHERE):
            return durable.in_unit(events)
        return False

    async def _read_response(self, call: ResponseCall, events: AsyncIterable[AgentStreamEvent]) -> None:
        """Read a response: the hot loop, which handles every delta."""
        monotonic = self._monotonic
        waited_from = monotonic()
        meter = call.meter
        feed = stream_events.feed_response
        describe = call.describe
        is_first = True
        async for event in events:
            now = monotonic()
            if is_first:
                is_first = False
                call.first_event()
            try:
                if meter is not None:
                    feed(meter, event, waited_from, now, describe)
            except Exception as error:
                self._out.failed(WHERE, error)
            waited_from = now

    async def _read(self, call: ToolsCall, events: AsyncIterable[AgentStreamEvent]) -> None:
        monotonic = self._monotonic
        waited_from = monotonic()
        call.waiting(waited_from)
        async for event in events:
            call.read(event, waited_from, monotonic())
            waited_from = monotonic()
            call.waiting(waited_from)
