"""The tap: the one object that is plugged in."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import os
import weakref
from typing import TYPE_CHECKING

from pydantic_ai import RunContext

from streamtap import _upstream
from streamtap._capability import TapCapability
from streamtap._capability_door import CapabilityDoor
from streamtap._checks import (
    check_function,
    check_positive,
    check_sink,
    check_whole,
    checked_labels,
    checked_sinks,
)
from streamtap._clock import SystemClock
from streamtap._current_run import CurrentRun
from streamtap._dispatch import Dispatch
from streamtap._handler import HandlerDoor
from streamtap._handler_calls import HandlerCalls
from streamtap._handler_runs import HandlerRuns
from streamtap._names import Names, clean
from streamtap._price import Pricing
from streamtap._prometheus import PrometheusSink
from streamtap._run_callback import RunCallback
from streamtap._runs import Runs
from streamtap._sinks import Attachment
from streamtap._spans import SpanSink
from streamtap._surroundings import Surroundings
from streamtap._tracing import Tracing
from streamtap._unit_calls import UnitCalls
from streamtap._usage import UsageSink
from streamtap._watch import WatchDoor

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
    from types import TracebackType
    from typing import Any, TypeVar

    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent
    from typing_extensions import Self

    from streamtap._clock import Clock
    from streamtap._live import Live
    from streamtap._price import Price
    from streamtap._records import RunRecord
    from streamtap._sinks import Sink

    EventT = TypeVar('EventT')

FLUSH_SECONDS = 5.0


def default_sinks() -> list[Sink]:
    """The sinks of `Tap()`: Prometheus on the default registry, spans by the global tracer provider, and the usage."""
    return [PrometheusSink(), SpanSink(), UsageSink()]


class Tap:
    """A tap on the event streams of Pydantic AI agents: reusable, shared by any number of agents, runs and threads.

    Give it to one run (`agent.run(..., event_stream_handler=tap)`), or to every run of an agent
    (`Agent(..., capabilities=[tap.capability()])`). The run never notices: nothing that fails in here reaches it.

    With `STREAMTAP_DISABLED=1` in the environment when it is made, or `enabled=False`, a tap does nothing at all.

    Args:
        sinks: Who receives what was measured; `default_sinks()` if `None`.
        on_run: Called with the record of each run when it is over, on the tap's worker thread, so it may block.
        labels: Names of your own dimensions, filled from each run's `metadata`, `''` where missing; they become
            labels of every metric, so give them few values (a tier, a feature; never a user id).
        price: Your own price: US dollars for a response, or `None` to leave it to pydantic-ai's list price. It is
            called in the run's own task, so it must not block.
        stall_after: Seconds of silence after the first chunk that are a stall. Default 5.
        slow_start_after: Seconds without a first chunk after which an open stream counts as stalled. Default 30.
        settle_after: Seconds after the handler's last call at which a run whose end nobody told is taken to be over.
            Default 30.
        max_label_values: Distinct values a label may have in metrics before new ones become `_other`. Default 200.
        loop_lag_every: Seconds between two looks at how late the event loop comes, while runs are open: an application
            that blocks its own loop makes every model look slow. Default `None`: no looks. 0.1 is a good value.
        include_content: Whether messages of exceptions, which can carry content, may appear in the tap's own log.
            Prompts and outputs are never recorded. Default `False`.
        clock: Where the time is read; tests pass their own.
        enabled: Whether to measure; by default (`None`) unless the environment says `STREAMTAP_DISABLED=1`.

    Raises:
        TypeError: If a sink is no sink, or another argument is of the wrong type.
        ValueError: If a threshold is not above 0, or a label's name is not allowed.
    """

    def __init__(
        self,
        sinks: Iterable[Sink] | None = None,
        *,
        on_run: Callable[[RunRecord], object] | None = None,
        labels: Iterable[str] = (),
        price: Price | None = None,
        stall_after: float = 5.0,
        slow_start_after: float = 30.0,
        settle_after: float = 30.0,
        max_label_values: int = 200,
        loop_lag_every: float | None = None,
        include_content: bool = False,
        clock: Clock | None = None,
        enabled: bool | None = None,
    ) -> None:
        names = checked_labels(labels)
        check_positive('stall_after', stall_after)
        check_positive('slow_start_after', slow_start_after)
        check_positive('settle_after', settle_after)
        check_whole('max_label_values', max_label_values)
        if loop_lag_every is not None:
            check_positive('loop_lag_every', loop_lag_every)
        check_function('price', price, 'a ResponseRecord that returns US dollars or None')
        check_function('on_run', on_run, 'a RunRecord')
        chosen = checked_sinks(default_sinks() if sinks is None else sinks)
        switched_off = os.environ.get('STREAMTAP_DISABLED', '') in ('1', 'true', 'yes')
        self._enabled = not switched_off if enabled is None else enabled
        self._usage = next((sink for sink in chosen if isinstance(sink, UsageSink)), None)
        if on_run is not None:
            chosen = (*chosen, RunCallback(on_run))
        self._out = Dispatch(chosen, include_content=include_content)
        around = Surroundings(
            clock=SystemClock() if clock is None else clock,
            out=self._out,
            price=Pricing(price, self._out),
            tracing=next((sink for sink in chosen if isinstance(sink, SpanSink)), Tracing()),
            stall_after=stall_after,
            slow_start_after=slow_start_after,
        )
        current = CurrentRun()
        self._runs = Runs(around, loop_lag_every)
        self._capability = CapabilityDoor(self._runs, around, labels=names, current=current)
        told = HandlerRuns(self._runs, around, labels=names, settle_after=settle_after, current=current)
        calls = HandlerCalls(around, current)
        self._endings = told.endings
        self._handler = HandlerDoor(around, told, calls, UnitCalls(around, self._runs, labels=names))
        self._watch = WatchDoor(around, self._runs, told, calls, labels=names, current=current)
        self._attachment = Attachment(names, max_label_values, self.live, self._catch_up)
        if self._enabled:
            self._out.attach(self._attachment)
            _TAPS.add(self)

    def __call__(self, ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent] | None = None) -> Awaitable[None]:
        """The handler door: pass the tap itself as `event_stream_handler=`.

        Args:
            ctx: The run's context, from pydantic-ai.
            events: The events of one response or of one round of tool calls, from pydantic-ai.

        Raises:
            TypeError: If it is called by hand with anything else.
        """
        if events is None:
            raise TypeError(
                'a tap is no capability: pass capabilities=[tap.capability()] instead of capabilities=[tap]'
            )
        if not isinstance(ctx, RunContext) or not hasattr(events, '__aiter__'):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                'a tap is called by pydantic-ai with (RunContext, events): pass it as '
                f'agent.run(..., event_stream_handler=tap); it was called with ({type(ctx).__name__}, {type(events).__name__})'
            )
        read: AsyncIterable[AgentStreamEvent] = events
        return self._handler.handle(ctx, read) if self._enabled else _drain(read)

    def beside(self, handler: EventStreamHandler[Any]) -> EventStreamHandler[Any]:
        """A handler that feeds your own handler and the tap: `event_stream_handler=tap.beside(mine)`.

        Your handler gets the same events and the same stream to look at; what it raises, and that it returns early,
        has the same effect as without the tap. If it reads through the stream's own methods, such as
        `stream_text()`, the events pass the tap by, and the response is recorded without chunk figures.

        Args:
            handler: Your own event stream handler.

        Raises:
            TypeError: If it is no function that pydantic-ai could await.
        """
        if not callable(handler) or inspect.isasyncgenfunction(handler):
            raise TypeError(f'beside() takes an async function of (ctx, events) that yields nothing, not {handler!r}')
        if not self._enabled:
            return handler

        async def both(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
            await self._handler.handle_beside(ctx, events, handler)

        return both

    def capability(self, *, stream: bool = False) -> TapCapability:
        """The capability door: `Agent(..., capabilities=[tap.capability()])`, or per run.

        It measures every way of running the agent, with exact run, request and tool times.

        Args:
            stream: Whether to make every request of the agent stream, so that plain `run()` has a time to first token
                too. It costs the run what streaming costs, and fails on models that cannot stream. Default `False`:
                nothing streams that would not anyway.

        Raises:
            RuntimeError: If the installed pydantic-ai is older than 2.23.
        """
        _upstream.require(_upstream.CAPABILITY, 'tap.capability()', 'give each run event_stream_handler=tap')
        return TapCapability(self._capability if self._enabled else None, stream=stream, tap=self)

    def watch(
        self,
        events: AsyncIterable[EventT],
        *,
        agent: str | None = None,
        provider: str | None = None,
        model: str | None = None,
    ) -> AsyncIterator[EventT]:
        """The watch door: the same events, measured as you read them: `async for event in tap.watch(stream): ...`.

        For the events of `run_stream_events()`, of `node.stream()` and of adapters' `run_stream_native()`, and for any
        other iterable of pydantic-ai's events. A run ends with its result or with the iterable; one whose events you
        do not read to their end is `cancelled`. What the events do not tell is absent: a request's start, and so its
        time to first token, is known where the run's messages are. Do not watch a run that another door measures,
        unless its events are those of `run_stream_events()` or `node.stream()`, which tell their run's id.

        Args:
            events: The events.
            agent: The agent's name, where the events do not tell it. Default `'agent'`.
            provider: The provider's name, where the events do not tell it.
            model: The model's name, where the events do not tell it.

        Raises:
            RuntimeError: If the installed pydantic-ai is older than 2.26.
            TypeError: If `events` cannot be iterated; the context managers of pydantic-ai must be entered first.
        """
        _upstream.require(_upstream.WATCH, 'tap.watch()', 'give the run event_stream_handler=tap')
        if not hasattr(events, '__aiter__'):
            hint = ': watch what `async with ... as events` gives' if hasattr(events, '__aenter__') else ''
            raise TypeError(f'watch() takes an async iterable of events, not {type(events).__name__}{hint}')
        if not self._enabled:
            return aiter(events)
        return self._watch.watch(events, Names(None if agent is None else clean(agent), provider, model))

    @property
    def enabled(self) -> bool:
        """Whether the tap measures: not with `enabled=False`, or where `STREAMTAP_DISABLED=1` was set by then."""
        return self._enabled

    @property
    def usage(self) -> UsageSink:
        """The usage ledger: `tap.usage.summary()` tells requests, tokens, cost, tools and times.

        Raises:
            LookupError: If the tap was made without a `UsageSink`.
        """
        if self._usage is None:
            raise LookupError('this tap keeps no usage: make it with Tap(sinks=[UsageSink(), ...])')
        self._watch.search(1)
        self._endings.search(1)
        return self._usage

    def add_sink(self, sink: Sink) -> None:
        """Give one more sink what happens from now on, as `serve(tap)` does for its page.

        Spans and `tap.usage` are settled when the tap is made: a `SpanSink` or `UsageSink` must be there from the start.

        Args:
            sink: The sink.

        Raises:
            TypeError: If it is no sink.
            ValueError: If it refuses, for instance a `PrometheusSink` on a registry of other labels.
        """
        check_sink(sink)
        if self._enabled:
            self._out.add(sink, self._attachment)

    def remove_sink(self, sink: Sink) -> None:
        """Give a sink nothing more; one that the tap does not have is ignored.

        Args:
            sink: The sink.
        """
        self._out.remove(sink)

    def live(self) -> Live:
        """A snapshot of what is open now: runs with their age, requests with their present wait, tools."""
        self._catch_up()
        return self._runs.live(self._endings.idle())

    def flush(self) -> None:
        """Report the runs that are known to be over, and wait (at most 5 s) for sinks that run on the worker thread."""
        self._watch.search(2)
        self._endings.search(2)
        self._out.flush(FLUSH_SECONDS)

    def close(self) -> None:
        """Report every run, those still open as `incomplete`, and end the worker thread; the tap stays usable."""
        self._report_open()
        self._out.close(FLUSH_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._report_open()
        # A sink that hangs must not hold the loop.
        await asyncio.to_thread(self._out.close, FLUSH_SECONDS)

    def _catch_up(self) -> None:
        self._watch.catch_up()
        self._endings.catch_up()

    def _report_open(self) -> None:
        # What is known to be over is not to be told as cut off.
        self._watch.search(2)
        self._endings.search(2)
        self._endings.close()
        self._watch.catch_up()
        for run in self._runs.all_open():
            if self._runs.remove(run):
                run.close()


async def _drain(events: AsyncIterable[AgentStreamEvent]) -> None:
    async for _ in events:
        pass


_TAPS: weakref.WeakSet[Tap] = weakref.WeakSet()
"""The taps of the process, for its exit; a tap that nobody holds goes."""


@atexit.register
def _close_taps() -> None:
    for tap in list(_TAPS):
        tap.close()
