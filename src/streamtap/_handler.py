"""The handler door: `event_stream_handler=tap`. It sees every event of its run, but nobody tells it the run's end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap import _upstream
from streamtap._beside import BesideEvents
from streamtap._endings import Endings
from streamtap._guard import guarded
from streamtap._handler_calls import LONGEST_PREPARATION, LONGEST_WAIT, WHERE, HandlerCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterable
    from contextvars import ContextVar

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._endings import Watched
    from streamtap._run import Run
    from streamtap._runs import Runs
    from streamtap._surroundings import Surroundings


class HandlerDoor:
    """Feeds the runs that are given the tap as their handler.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        labels: The names of the user's own dimensions.
        settle_after: Seconds after which a run that was not called again is taken to be over.
        current: The run whose tools are being called here.
    """

    def __init__(
        self,
        runs: Runs,
        around: Surroundings,
        *,
        labels: tuple[str, ...],
        settle_after: float,
        current: ContextVar[Run | None],
    ) -> None:
        self._runs = runs
        self._around = around
        self._out = around.out
        self._labels = labels
        self._current = current
        self._calls = HandlerCalls(around)
        self.endings = Endings(runs, around, settle_after=settle_after)

    async def handle(self, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]) -> None:
        """Measure one call of the handler; whatever fails here, the events are drained and the run goes on."""
        watched = self._enter(ctx, events)
        if watched is None:
            async for _ in events:
                pass
            return
        try:
            if _upstream.model_call(ctx, events):
                await self._read_response(watched, ctx, events)
            else:
                await self._read_tools(watched, ctx, events)
        finally:
            self._leave(watched)

    async def handle_beside(
        self, ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent], handler: EventStreamHandler[Any]
    ) -> None:
        """Measure one call while the user's own handler reads the events, as if nothing stood between."""
        watched = self._enter(ctx, events)
        if watched is None:
            await handler(ctx, events)
            return
        try:
            if _upstream.model_call(ctx, events):
                await self._beside_response(watched, ctx, events, handler)
            else:
                await self._beside_tools(watched, ctx, events, handler)
        finally:
            self._leave(watched)

    def _leave(self, watched: Watched) -> None:
        # Holding the manager would keep it from being collected, which is how the run's end is told.
        watched.run.tool_manager = None
        self.endings.leave(watched)

    async def _beside_response(
        self,
        watched: Watched,
        ctx: RunContext[Any],
        events: AsyncIterable[AgentStreamEvent],
        handler: EventStreamHandler[Any],
    ) -> None:
        request = self._calls.begin_response(watched, ctx, events, self._around.clock.monotonic())
        describe = watched.run.describe_tool

        def read(event: AgentStreamEvent, waited_from: float, now: float) -> None:
            with guarded(self._out, WHERE):
                if request is not None:
                    if request.meter.first_event is None:
                        watched.run.trace.request_seen()
                    _upstream.feed_response(request.meter, event, waited_from, now, describe)
                    request.meter.held = True

        def waiting(now: float) -> None:
            if request is not None:
                request.meter.held = False
                request.meter.resumed_at = now

        shown = BesideEvents(
            events,
            self._around.clock.monotonic,
            read=read,
            waiting=waiting,
            held=_nothing,
        )
        try:
            await handler(ctx, shown)
            # What it left, pydantic-ai would read on by itself; this way the tap sees it too.
            async for _ in shown:
                pass
        except BaseException as error:
            self._calls.response_over(watched, request, ctx, events, error, shown)
            raise
        self._calls.response_over(watched, request, ctx, events, None, shown)

    async def _beside_tools(
        self,
        watched: Watched,
        ctx: RunContext[Any],
        events: AsyncIterable[AgentStreamEvent],
        handler: EventStreamHandler[Any],
    ) -> None:
        tools = self._calls.begin_tools(watched)
        last_wait = self._around.clock.monotonic()

        def read(event: AgentStreamEvent, waited_from: float, now: float) -> None:
            nonlocal last_wait
            last_wait = waited_from
            with guarded(self._out, WHERE):
                if tools is not None:
                    tools.feed(event, waited_from, now)

        shown = BesideEvents(
            events, self._around.clock.monotonic, read=read, waiting=_nothing, held=watched.run.phases.hold
        )
        token = self._current.set(watched.run)
        try:
            await handler(ctx, shown)
            async for _ in shown:
                pass
        except BaseException as error:
            self._calls.tools_over(watched, tools, ctx, error, last_wait)
            raise
        finally:
            self._current.reset(token)
        self._calls.tools_over(watched, tools, ctx, None, last_wait)

    def _enter(self, ctx: RunContext[object], events: object) -> Watched | None:
        """The run whose call this is, or `None` if another door or another copy of the tap measures it."""
        try:
            who = _upstream.who(ctx)
            watched = self.endings.watched(who.run_id)
            if watched is not None and not self.endings.enter(watched):
                return None
            self.endings.catch_up()
            if watched is None:
                watched = self._open(ctx, events, who)
            if watched is not None:
                watched.run.tool_manager = manager = _upstream.tool_manager(ctx)
                if _upstream.model_call(ctx, events):
                    watched.keeps_manager = _upstream.streamed_response(events) is not None
                self.endings.listen(watched, manager)
        except Exception as error:
            self._out.failed(WHERE, error)
            return None
        return watched

    def _open(self, ctx: RunContext[object], events: object, who: _upstream.Who) -> Watched | None:
        now = self._around.clock.monotonic()
        asked = self._calls.asked_at(
            ctx, now, LONGEST_WAIT if _upstream.is_primed(ctx, events) else LONGEST_PREPARATION
        )
        parent = self._current.get()
        labels = _upstream.metadata_labels(ctx, self._labels, parent.owner.labels if parent is not None else {})
        if not who.run_id:
            return None
        run = self._runs.open(
            who,
            WHERE,
            labels=labels,
            parent=parent,
            started=now if asked is None else asked,
            instrumented=_upstream.is_instrumented(ctx),
            call='first' if who.step <= 1 and _upstream.model_call(ctx, events) else 'later',
        )
        return None if run is None else self.endings.begin(run)

    async def _read_response(
        self, watched: Watched, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]
    ) -> None:
        monotonic = self._around.clock.monotonic
        waited_from = monotonic()
        request = self._calls.begin_response(watched, ctx, events, waited_from)
        feed = _upstream.feed_response
        describe = watched.run.describe_tool
        is_first = True
        try:
            async for event in events:
                now = monotonic()
                if is_first:
                    # Only in here pydantic-ai's own span of the request is current.
                    is_first = False
                    watched.run.trace.request_seen()
                try:
                    if request is not None:
                        feed(request.meter, event, waited_from, now, describe)
                except Exception as error:
                    self._out.failed(WHERE, error)
                waited_from = now
        except BaseException as error:
            self._calls.response_over(watched, request, ctx, events, error)
            raise
        self._calls.response_over(watched, request, ctx, events, None)

    async def _read_tools(
        self, watched: Watched, ctx: RunContext[object], events: AsyncIterable[AgentStreamEvent]
    ) -> None:
        monotonic = self._around.clock.monotonic
        token = self._current.set(watched.run)
        waited_from = monotonic()
        tools = self._calls.begin_tools(watched)
        try:
            async for event in events:
                now = monotonic()
                try:
                    if tools is not None:
                        tools.feed(event, waited_from, now)
                except Exception as error:
                    self._out.failed(WHERE, error)
                waited_from = monotonic()
        except BaseException as error:
            self._calls.tools_over(watched, tools, ctx, error, waited_from)
            raise
        finally:
            self._current.reset(token)
        self._calls.tools_over(watched, tools, ctx, None, waited_from)


def _nothing(*_: float) -> None:
    """Whoever is told this needs it not."""
