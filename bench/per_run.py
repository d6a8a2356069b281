"""What a run of one small response costs with each sink: paired, alternating, in one process."""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import tempfile
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from streamtap import JournalSink, MetricSink, Progress, PrometheusSink, SpanSink, Tap, UsageSink

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from pydantic_ai import RunContext
    from pydantic_ai.agent import EventStreamHandler
    from pydantic_ai.messages import AgentStreamEvent, ModelMessage
    from pydantic_ai.models.function import AgentInfo


async def no_op(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
    """The handler that only drains."""
    async for _ in events:
        pass


async def answer(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
    """Two chunks."""
    yield 'one '
    yield 'two'


def per_run(handler: EventStreamHandler[Any], runs: int) -> float:
    """CPU microseconds of a run with that handler."""
    agent = Agent(FunctionModel(stream_function=answer), name='bench')

    async def call() -> float:
        started = time.process_time()
        for _ in range(runs):
            await agent.run('hello', event_stream_handler=handler)
        if isinstance(handler, Tap):
            handler.flush()
        return (time.process_time() - started) / runs * 1e6

    return asyncio.run(call())


def main() -> None:
    """Print what each arm adds to a no-op handler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--runs', type=int, default=200)
    parser.add_argument('--rounds', type=int, default=9)
    options = parser.parse_args()
    folder = tempfile.mkdtemp()
    unsampled, sampled = TracerProvider(sampler=ALWAYS_OFF), TracerProvider()
    arms: dict[str, EventStreamHandler[Any]] = {
        'no-op handler': no_op,
        'no sink': Tap([]),
        'usage': Tap([UsageSink()]),
        'usage, Prometheus': Tap([UsageSink(), PrometheusSink(CollectorRegistry())]),
        'usage, progress': Tap([UsageSink(), Progress()]),
        'usage, journal': Tap([UsageSink(), JournalSink(f'{folder}/runs.jsonl')]),
        'usage, OpenTelemetry metrics': Tap([UsageSink(), MetricSink(MeterProvider([InMemoryMetricReader()]))]),
        'usage, Prometheus, spans without an SDK': Tap([UsageSink(), PrometheusSink(CollectorRegistry()), SpanSink()]),
        'usage, Prometheus, unsampled spans': Tap(
            [UsageSink(), PrometheusSink(CollectorRegistry()), SpanSink(unsampled)]
        ),
        'usage, Prometheus, sampled spans, no exporter': Tap(
            [UsageSink(), PrometheusSink(CollectorRegistry()), SpanSink(sampled)]
        ),
    }
    seen: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(options.rounds):
        for name, handler in arms.items():
            seen[name].append(per_run(handler, options.runs))
    base = seen['no-op handler']
    print(f'CPU microseconds per run of one response, median of {options.rounds}; Python {platform.python_version()}')
    for name, figures in seen.items():
        added = statistics.median(figure - without for figure, without in zip(figures, base, strict=True))
        print(f'{name:48} {statistics.median(figures):8.0f}  added {added:6.0f}')


if __name__ == '__main__':
    main()
