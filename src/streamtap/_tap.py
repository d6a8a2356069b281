"""The tap: the one object that users plug into their agents."""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import TYPE_CHECKING, cast

from streamtap._base.checks import check_function, check_positive, check_text, check_whole
from streamtap._base.clock import SystemClock
from streamtap._base.names import clean
from streamtap._base.process_exit import close_at_exit
from streamtap._base.service_version import service_version_of
from streamtap._base.switch import is_switched_off
from streamtap._delivery.dispatch import Dispatch
from streamtap._delivery.sink import Attachment, check_sink, checked_sinks
from streamtap._delivery.tracing import Tracing
from streamtap._doors.all_doors import Doors
from streamtap._doors.capability.hooks import TapCapability
from streamtap._doors.checks import check_handler, check_watchable, checked_events
from streamtap._doors.observed_stream import NoObserver, ObservedStream, drain
from streamtap._doors.watch.names import Names
from streamtap._runs.measured_usage import RepeatedUsageWarning
from streamtap._runs.objectives import checked_objectives
from streamtap._runs.price import Pricing
from streamtap._runs.prompts import Conversations
from streamtap._runs.questions import Questions
from streamtap._runs.shared import Shared
from streamtap._runs.tool_errors import ToolErrors
from streamtap._runs.user_labels import LabelNames
from streamtap._sinks.callback import RunCallback
from streamtap._sinks.metrics.user_labels import checked_labels, checked_subset
from streamtap._sinks.otel.spans import OTelSpanSink
from streamtap._sinks.prometheus.sink import PrometheusSink
from streamtap._sinks.usage.ledger import UsageSink
from streamtap._upstream import versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
    from contextlib import AbstractContextManager
    from types import TracebackType
    from typing import Any, TypeVar

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent
    from typing_extensions import Self

    from streamtap._base.clock import Clock
    from streamtap._delivery.redaction import Redact
    from streamtap._delivery.sink import Sink
    from streamtap._records.live import Live
    from streamtap._records.records import RunRecord
    from streamtap._runs.objectives import Objectives
    from streamtap._runs.price import Price
    from streamtap._runs.tool_errors import ToolError

    EventT = TypeVar('EventT')

FLUSH_SECONDS = 5.0


def default_sinks() -> list[Sink]:
    """The sinks of `Tap()`: Prometheus on the default registry, spans on the global tracer provider, and usage."""
    return [PrometheusSink(), OTelSpanSink(), UsageSink()]


class Tap:
    """A tap on the event streams of Pydantic AI agents: reusable, shared by any number of agents, runs and threads.

    Give it to one run (`agent.run(..., event_stream_handler=tap)`), or to every run of an agent
    (`Agent(..., capabilities=[tap.capability()])`). No failure in the tap ever reaches a run.

    With `STREAMTAP_DISABLED=1` in the environment when it is created, or `enabled=False`, a tap does nothing at all.

    Args:
        sinks: The sinks that receive what was measured; `default_sinks()` if `None`.
        on_run: Called with the record of each run when it is over, on the tap's worker thread, so it may block.
        labels: Names of your own dimensions, filled from each run's `metadata`, `''` where missing; they become
            labels of every `pydantic_ai_` metric, unless the sink is told otherwise. A value is a str, int, float, bool or
            a member of an enumeration of them; anything else becomes `_unknown`. What has many values, such as a tenant,
            belongs in the summary and not in metrics, `PrometheusSink(labels=('tier',))`. Never name a user id.
        baggage_labels: Which of the labels may come from OpenTelemetry's baggage, by the same names, for runs whose metadata
            and whose caller have none. Baggage can arrive with a request from outside: name no label that a caller must not
            choose, or take it away where requests come in.
        price: Your own price: a function that is called with a response's record, which has its tokens, its labels and
            the cost without you, and with pydantic-ai's `ModelResponse`, which has the provider's details; returns US
            dollars, or `None` to leave the cost as it is. It is called in the run's own task, so it must not block.
        tool_error: Says whether a tool that returned has failed, for tools that return an error instead of raising it: a
            function that is called with the tool's name and what it returned, and returns the type of the error, which
            becomes the call's `error_type`, or `None` if the tool succeeded. The result is not kept. It is called in the
            run's own task, so it must not block.
        objective: What a run has to keep to be a good one, for all agents or by the agent's name, such as
            `Objective(first_output=2.0)`. Default `None`: runs are not judged.
        service_version: The version of your service, for records and deploy annotations; by default `service.version`
            in `OTEL_RESOURCE_ATTRIBUTES`.
        redact: Replaces names that say too much, such as a deployment that is named after a tenant, before anything is
            recorded: a function that is called with the field of the records that the name is for (`'provider'`,
            `'model'`, `'error_type'`, `'conversation_id'`, `'server_address'` or `'mcp_server'`) and the name, and returns the text to record instead. It
            must be quick: it may be called from any thread, also in the run's own task, once for each name while the
            last 1,024 are remembered. Where it fails, the name is `_redacted`.
        stall_after: Seconds above which a silence after the first chunk is a stall. Default 5.
        slow_start_after: Seconds without a first chunk after which an open stream counts as stalled. Default 30.
        settle_after: Seconds from the handler's last call until a run is taken to be over, where pydantic-ai gives no
            sign of its end; the supported releases do. Default 30.
        max_label_values: Distinct values a label may have in metrics before new ones become `_other`. Default 200.
        loop_lag_every: Seconds between two measurements of the event loop's lag, while runs are open: an application
            that blocks its own loop makes every model look slow. Default `None`: no measurements. 0.1 is a good value.
        include_content: Whether messages of exceptions, which can carry content, may appear in the tap's own log.
            Prompts and outputs are never recorded. Default `False`.
        clock: The clock to read; for tests.
        enabled: Whether to measure. By default (`None`) it does, unless the environment has `STREAMTAP_DISABLED=1`.

    Raises:
        RuntimeError: If it measures, and the installed pydantic-ai is older than 2.26.
        TypeError: If something in `sinks` is not a sink, `objective` is neither an `Objective` nor a dict of them, or another argument is of the wrong type.
        ValueError: If a threshold is not above 0, a label's name is not allowed, or `baggage_labels` has one that `labels`
            has not.
    """

    def __init__(
        self,
        sinks: Iterable[Sink] | None = None,
        *,
        on_run: Callable[[RunRecord], object] | None = None,
        labels: Iterable[str] = (),
        baggage_labels: Iterable[str] = (),
        price: Price | None = None,
        tool_error: ToolError | None = None,
        objective: Objectives | None = None,
        service_version: str | None = None,
        redact: Redact | None = None,
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
        label_names = LabelNames(names, checked_subset('baggage_labels', baggage_labels, names))
        check_positive('stall_after', stall_after)
        check_positive('slow_start_after', slow_start_after)
        check_positive('settle_after', settle_after)
        check_whole('max_label_values', max_label_values)
        if loop_lag_every is not None:
            check_positive('loop_lag_every', loop_lag_every)
        check_function('price', price, 'a ResponseRecord and a ModelResponse that returns US dollars or None', 2)
        check_function('tool_error', tool_error, "a tool's name and its result that returns a type of error or None", 2)
        check_text('service_version', service_version)
        check_function('redact', redact, "a record's field and its text that returns the text to record", 2)
        check_function('on_run', on_run, 'a RunRecord', 1)
        chosen = checked_sinks(default_sinks() if sinks is None else sinks)
        if enabled is not None and not isinstance(enabled, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'enabled must be a bool or None, not {enabled!r}')
        self._enabled = not is_switched_off() if enabled is None else enabled
        if self._enabled:
            versions.check_release()
        self._usage = next((sink for sink in chosen if isinstance(sink, UsageSink)), None)
        if on_run is not None:
            chosen = (*chosen, RunCallback(on_run))
        self._out = Dispatch(chosen, include_content=include_content, redact=redact)
        self._questions = Questions()
        version = clean(service_version_of(os.environ) if service_version is None else service_version)
        shared = Shared(
            clock=SystemClock() if clock is None else clock,
            out=self._out,
            price=Pricing(price, self._out),
            tool_errors=ToolErrors(tool_error, self._out),
            conversations=Conversations(),
            questions=self._questions,
            objectives=checked_objectives(objective),
            service_version=version or None,
            warn_repeated=RepeatedUsageWarning(),
            redact=self._out.redact,
            tracing=next((sink for sink in chosen if isinstance(sink, OTelSpanSink)), Tracing()),
            stall_after=stall_after,
            slow_start_after=slow_start_after,
        )
        self._doors = Doors(shared, label_names, loop_lag_every=loop_lag_every, settle_after=settle_after)
        self._attachment = Attachment(
            names, max_label_values, self._doors.live, self._doors.search_quickly, versions.VERSION, version
        )
        if self._enabled:
            self._out.attach(self._attachment)
            close_at_exit(self)

    def __call__(self, ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent] | None = None) -> Awaitable[None]:
        """The handler door: pass the tap itself as `event_stream_handler=`.

        Args:
            ctx: The run's context, from pydantic-ai.
            events: The events of one response or of one round of tool calls, from pydantic-ai.

        Raises:
            TypeError: If it is called with anything else.
        """
        read = checked_events(ctx, events)
        return self._doors.handler.handle(ctx, read) if self._enabled else drain(read)

    def beside(self, handler: EventStreamHandler[Any]) -> EventStreamHandler[Any]:
        """A handler that feeds your own handler and the tap: `event_stream_handler=tap.beside(mine)`.

        Your handler gets the same events, and a stream with the same attributes and class; if it raises or returns
        early, that has the same effect as without the tap. If it reads through the stream's own methods, such as
        `stream_text()`, the tap does not see the events, and the response is recorded without chunk figures.

        Args:
            handler: Your own event stream handler.

        Raises:
            TypeError: If it is not callable, or is an async generator function.
        """
        check_handler(handler)
        if not self._enabled:
            return handler

        async def both(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
            await self._doors.handler.handle(ctx, events, handler)

        return both

    def capability(self, *, stream: bool = False, agent: str | None = None) -> TapCapability:
        """The capability door: `Agent(..., capabilities=[tap.capability()])`, or per run.

        It measures every way of running the agent, with exact run, request and tool times.

        Args:
            stream: Whether to make every request of the agent stream, so that plain `run()` has a time to first token
                too. Runs then pay the usual cost of streaming, and fail on models that cannot stream. Default `False`:
                nothing streams that would not stream anyway.
            agent: The agent's name, used instead of its own: for one that has none, and would share the name `agent`
                with others. Default: its own name.

        Raises:
            TypeError: If the name is not text.
            ValueError: If it is empty.
        """
        check_text('agent', agent)
        if agent is not None and not agent.strip():
            raise ValueError("agent must not be empty: leave it out for the agent's own name")
        door = self._doors.capability(None if agent is None else clean(agent)) if self._enabled else None
        return TapCapability(door, stream=stream, tap=self)

    def watch(
        self,
        events: AsyncIterable[EventT],
        *,
        agent: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        run_id: str | None = None,
    ) -> AsyncIterator[EventT]:
        """The watch door: the same events, measured as you read them: `async for event in tap.watch(stream): ...`.

        For the events of `run_stream_events()` and of `node.stream()`, for generators that read them, such as adapters'
        `run_stream_native()`, for `direct.model_request_stream()`, and for any other iterable of pydantic-ai's events. A
        run ends with its result or with the iterable; if you stop reading before that, it is `cancelled`. All but the
        last two lead to their run, which is then known as the capability knows it, and counted once if another door
        measures it. Of other iterables what the events do not contain is absent: tokens and the time to first token are
        known only if a result comes with the events. Do not watch those of a run that another door measures.

        The text, the output or the responses that you read from a run which another door measures are measured as its
        reader gets them: `async for text in tap.watch(result.stream_text()): ...`, likewise `stream_output()` and
        `stream_response()`. They become the `reader` of the run's record, and its time to first output is the reader's.
        If no door of this tap measures the run, they only pass through.

        Args:
            events: The events, or the output of a run.
            agent: The agent's name, used instead of any that the events lead to; `'agent'` if there is none at all.
            provider: The provider's name, likewise; if only one of `provider` and `model` is given, the other is empty.
            model: The model's name, likewise.
            run_id: The run whose output `events` are, where that cannot be seen because you wrapped `stream_text()` in
                something of your own: `result.run_id`.

        Raises:
            TypeError: If `events` is no stream of events, such as an agent or an `AgentRun`; it says what to pass.
                pydantic-ai's context managers must be entered first. Or if a name or `run_id` is not text.
        """
        check_watchable(events, run_id)
        for name, text in {'agent': agent, 'provider': provider, 'model': model}.items():
            check_text(name, text)
        if not self._enabled:
            return cast('AsyncIterator[EventT]', ObservedStream(cast('Any', events), monotonic, NoObserver()))
        names = Names(None if agent is None else clean(agent), provider, model)
        return self._doors.watch.watch(events, names, None if run_id is None else clean(run_id))

    def question(self, question_id: str | None = None) -> AbstractContextManager[str]:
        """Ties runs together that are attempts at one question: `with tap.question(): ...`, around a retry loop of yours.

        The runs that begin in the block, and that no other run calls, are its attempts, from 1: so that there is a share
        of questions that were answered at the first try, and a time to an answer. Their records have its id.

        Args:
            question_id: An id of your own, for attempts in different places of a process: the last 10,000 are known. It
                becomes part of the records, so name no user. Default: a new question with a random id.

        Raises:
            TypeError: If the id is not text.
        """
        check_text('question_id', question_id)
        return self._questions.asked(None if question_id is None else clean(question_id))

    @property
    def enabled(self) -> bool:
        """Whether the tap measures: not with `enabled=False`, nor, by default, if `STREAMTAP_DISABLED=1` was set."""
        return self._enabled

    @property
    def sinks(self) -> tuple[Sink, ...]:
        """The sinks that the tap has now."""
        return self._out.sinks

    @property
    def usage(self) -> UsageSink:
        """The usage ledger: `tap.usage.summary()` has requests, tokens, cost, tools and times.

        Raises:
            LookupError: If the tap was created without a `UsageSink`.
        """
        if self._usage is None:
            raise LookupError('this tap has no UsageSink: create it with Tap(sinks=[UsageSink(), ...])')
        return self._usage

    def add_sink(self, sink: Sink) -> None:
        """Attach another sink, which receives what happens from now on; `serve(tap)` does this for its page.

        An `OTelSpanSink`, or the `UsageSink` behind `tap.usage`, must be passed when the tap is created instead.

        Args:
            sink: The sink.

        Raises:
            TypeError: If it is not a sink.
            ValueError: If the tap has it already, if it is an `OTelSpanSink`, or if it refuses, for instance a
                `PrometheusSink` on a registry that is in use with other labels.
        """
        check_sink(sink)
        if isinstance(sink, OTelSpanSink):
            raise ValueError('an OTelSpanSink must be there from the start: Tap(sinks=[...])')
        if self._enabled:
            self._out.add(sink, self._attachment)

    def remove_sink(self, sink: Sink) -> None:
        """Detach a sink; one that the tap does not have is ignored.

        A sink that runs on the worker thread first receives what happened before; that may take up to 5 s.

        Args:
            sink: The sink.
        """
        self._out.remove(sink, FLUSH_SECONDS)

    def live(self) -> Live:
        """A snapshot of what is open now: runs with their age, requests with their current wait, and tool calls."""
        return self._doors.live()

    def flush(self) -> None:
        """Report the runs that are known to be over, and wait (at most 5 s) for sinks that run on the worker thread."""
        self._doors.search()
        self._out.flush(FLUSH_SECONDS)

    def close(self) -> None:
        """Report every run, those still open as `incomplete`, detach the sinks, and stop the worker thread.

        The tap stays usable: its next run attaches the sinks again.
        """
        self._doors.report_open()
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
        self._doors.report_open()
        # A sink that hangs must not block the loop.
        await asyncio.to_thread(self._out.close, FLUSH_SECONDS)
