"""The handler door: `event_stream_handler=tap`. It sees every event of its run, but is not notified of its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap._delivery.guard import guarded
from streamtap._doors.nodes.streams import RequestStream
from streamtap._doors.observed_stream import ObservedStream, drain
from streamtap._upstream import durable, stream_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._doors.handler.durable_unit import DurableUnits
    from streamtap._doors.nodes.runs import NodeRuns
    from streamtap._doors.nodes.streams import NodeStreams, ToolsStream
    from streamtap._runs.shared import Shared

WHERE = 'handler'


class HandlerDoor:
    """Measures the runs that have the tap as their handler.

    Args:
        shared: What all runs share.
        runs: Finds the run that a call belongs to.
        streams: Creates an object to measure each stream.
        units: Measures the calls inside units of a durable engine.
    """

    def __init__(self, shared: Shared, runs: NodeRuns, streams: NodeStreams, units: DurableUnits) -> None:
        self._out = shared.out
        self._monotonic = shared.clock.monotonic
        self._runs = runs
        self._streams = streams
        self._units = units

    async def handle(
        self,
        ctx: RunContext[Any],
        events: AsyncIterable[AgentStreamEvent],
        handler: EventStreamHandler[Any] | None = None,
    ) -> None:
        """Measure one call; the user's own handler, if there is one, reads the events as if the tap were not there.

        Even if the tap fails, the events are drained and the run continues.
        """
        if self._is_in_unit(events):
            await self._units.handle(ctx, events, handler)
            return
        node_run = self._runs.enter(ctx, events, WHERE)
        if node_run is None:
            await (drain(events) if handler is None else handler(ctx, events))
            return
        try:
            stream = self._streams.begin(node_run, ctx, events)
            shown = None if handler is None else ObservedStream(events, self._monotonic, stream)
            try:
                with stream.current():
                    if handler is not None and shown is not None:
                        await handler(ctx, shown)
                        # What the handler left unread, pydantic-ai would drain; draining it here lets the tap see it.
                        await shown.read_on()
                    elif isinstance(stream, RequestStream):
                        await self._read_response(stream, events)
                    else:
                        await self._read(stream, events)
            except BaseException as error:
                stream.over(error, shown)
                raise
            stream.over(None, shown)
        finally:
            self._runs.leave(node_run)

    def _is_in_unit(self, events: object) -> bool:
        with guarded(self._out, WHERE):
            return durable.in_unit(events)
        return False

    async def _read_response(self, stream: RequestStream, events: AsyncIterable[AgentStreamEvent]) -> None:
        """Read a response: the hot loop, which handles every delta."""
        monotonic = self._monotonic
        waited_from = monotonic()
        meter = stream.meter
        feed = stream_events.feed_response
        describe = stream.describe
        is_first = True
        async for event in events:
            now = monotonic()
            if is_first:
                is_first = False
                stream.first_event()
            try:
                if meter is not None:
                    feed(meter, event, waited_from, now, describe)
            except Exception as error:
                self._out.failed(WHERE, error)
            waited_from = now

    async def _read(self, stream: ToolsStream, events: AsyncIterable[AgentStreamEvent]) -> None:
        monotonic = self._monotonic
        waited_from = monotonic()
        stream.waiting(None, waited_from)
        async for event in events:
            stream.read(event, waited_from, monotonic())
            waited_from = monotonic()
            # Nothing is held here: the tap itself is the consumer.
            stream.waiting(None, waited_from)
