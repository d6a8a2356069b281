"""Who watches a run: nobody, the tap with this or that sink, and what a user would otherwise write or install."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry, Counter, Histogram
from pydantic_ai import Agent
from pydantic_ai.capabilities import Instrumentation
from pydantic_ai.models.instrumented import InstrumentationSettings

from streamtap import OTelMetricSink, OTelSpanSink, PrometheusSink, Tap, UsageSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from pydantic_ai import RunContext
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.messages import AgentStreamEvent

    Handler = Callable[[RunContext[Any], AsyncIterable[AgentStreamEvent]], Awaitable[None]]


async def no_op(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
    """The handler that only drains: what every other arm is compared with."""
    async for _ in events:
        pass


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to watch a run.

    Args:
        name: What the tables call it.
        handler: The event stream handler of each run; `None` if the user drives the stream.
        capabilities: What the agent is given.
    """

    name: str
    handler: Handler | None = no_op
    capabilities: Sequence[AbstractCapability[Any]] = ()

    async def run(self, agent: Agent[None, str]) -> None:
        """One run of an agent, streamed."""
        if self.handler is not None:
            await agent.run('hello', event_stream_handler=self.handler)
            return
        async with agent.iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        async for _ in stream:
                            pass


BASE = Arm('no-op handler')


class Discard(SpanExporter):
    """An exporter that takes spans and sends nothing: what is measured is what makes them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take spans."""
        return SpanExportResult.SUCCESS


def discarding() -> TracerProvider:
    """A provider whose spans are sampled, and exported to nowhere."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Discard()))
    return provider


def prometheus() -> PrometheusSink:
    """A Prometheus sink on a registry of its own."""
    return PrometheusSink(CollectorRegistry())


def budgeted() -> Tap:
    """The tap that the budgets speak of: Prometheus, usage and spans that are not sampled."""
    return Tap([prometheus(), UsageSink(), OTelSpanSink(TracerProvider(sampler=ALWAYS_OFF))])


def taps() -> list[Arm]:
    """The tap with no sink, with each, and with all; then through its other door."""
    metrics = OTelMetricSink(MeterProvider([InMemoryMetricReader()]))
    everything = [
        prometheus(),
        UsageSink(),
        OTelSpanSink(discarding()),
        OTelMetricSink(MeterProvider([InMemoryMetricReader()])),
    ]
    return [
        Arm('tap, no sink', Tap([])),
        Arm('tap, usage', Tap([UsageSink()])),
        Arm('tap, Prometheus', Tap([prometheus()])),
        Arm('tap, OpenTelemetry metrics', Tap([metrics])),
        Arm('tap, sampled spans', Tap([OTelSpanSink(discarding())])),
        Arm('tap, Prometheus, usage, unsampled spans', budgeted()),
        Arm('tap, all sinks', Tap(everything)),
        Arm('tap.capability(), Prometheus, usage, unsampled spans', capabilities=[budgeted().capability()]),
    ]


def naive() -> Arm:
    """The handler that everybody writes first: look the metric up by its labels, for every event."""
    registry = CollectorRegistry()
    events_seen = Counter('events', 'Events.', ['agent', 'kind'], registry=registry)
    gaps = Histogram('gap_seconds', 'Gaps.', ['agent'], registry=registry)

    async def handler(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        from time import perf_counter

        agent = (ctx.agent and ctx.agent.name) or 'agent'
        last = perf_counter()
        async for event in events:
            now = perf_counter()
            events_seen.labels(agent=agent, kind=event.event_kind).inc()
            gaps.labels(agent=agent).observe(now - last)
            last = now

    return Arm('naive handler: .labels() per event', handler)


def native() -> Arm:
    """pydantic-ai's own instrumentation, spans and metrics."""
    settings = InstrumentationSettings(
        tracer_provider=discarding(), meter_provider=MeterProvider([InMemoryMetricReader()])
    )
    return Arm("pydantic-ai's Instrumentation", capabilities=[Instrumentation(settings=settings)])


def own_arms() -> list[Arm]:
    """Every arm that needs nothing but the project itself; the first is what the others are compared with."""
    return [BASE, Arm('no handler, stream read by the user', None), *taps(), naive(), native()]
