"""A scrape of many series beside prometheus_client's own of the same, what it does to the event loop, and what a series costs."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
import urllib.request
from dataclasses import dataclass
from itertools import product
from statistics import median
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from streamtap import (
    Distribution,
    PartRecord,
    PrometheusSink,
    ResponseRecord,
    ResponseStart,
    RunRecord,
    RunStart,
    Tap,
    ToolRecord,
    ToolStart,
    serve,
)
from streamtap._sinks.prometheus.histogram_family import HistogramCollector, HistogramFamily
from streamtap._sinks.prometheus.protobuf_exposition import exposition

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from streamtap._sinks.prometheus.instruments import Histograms


@dataclass(frozen=True, slots=True)
class Deployment:
    """How many of each: every agent uses every model and calls every tool, and everything succeeds."""

    agents: int
    models: int
    tools: int


def filled(deployment: Deployment) -> tuple[CollectorRegistry, Tap]:
    """A registry whose Prometheus sink saw everything of a deployment once; the tap keeps its gauges alive."""
    sink, registry, tap = registered('both')
    observe(sink, deployment)
    return registry, tap


def registered(histograms: Histograms) -> tuple[PrometheusSink, CollectorRegistry, Tap]:
    """A Prometheus sink that saw nothing yet, its registry, and the tap that keeps its gauges alive."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry, histograms=histograms)
    return sink, registry, Tap([sink], max_label_values=10_000)


def observe(sink: PrometheusSink, deployment: Deployment) -> None:
    """Show a sink everything of a deployment once."""
    agents = [f'agent_{number}' for number in range(deployment.agents)]
    for agent in agents:
        who: dict[str, Any] = {'run_id': agent, 'agent': agent, 'labels': {}, 'started_ns': 0}
        run: dict[str, Any] = {'root_agent': agent, 'door': 'capability', **who}
        sink.run_started(RunStart(conversation_id=None, parent_run_id=None, **run))
        for number in range(deployment.models):
            model: dict[str, Any] = {
                'step': 1,
                'provider': 'provider',
                'model': f'model_{number}',
                'door': 'capability',
            }
            sink.response_started(ResponseStart(conversation_id=None, root_agent=agent, streamed=True, **who, **model))
            sink.response_ended(_response(**who, **model, root_agent=agent))
        for number in range(deployment.tools):
            call: dict[str, Any] = {'step': 1, 'tool': f'tool_{number}', 'tool_call_id': 'c', 'kind': 'function'}
            sink.tool_started(ToolStart(conversation_id=None, **who, **call))
            sink.tool_ended(ToolRecord(duration=0.1, outcome='success', **who, **call))
        sink.run_ended(
            RunRecord(
                duration=1.0,
                outcome='success',
                cost_usd=0.1,
                time_to_first_output=0.1,
                time_to_final_result=0.1,
                phases={'wait': 0.1, 'stream': 0.5, 'tools': 0.2, 'other': 0.1},
                **run,
            )
        )


def _response(**who: Any) -> ResponseRecord:
    part = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.1, duration=0.5, chunks=9)
    return ResponseRecord(
        attempt=1,
        duration=1.0,
        streamed=True,
        outcome='success',
        finish_reason='stop',
        time_to_first_token=0.1,
        time_to_first_output=0.1,
        output_tokens_per_second=50.0,
        chunks=9,
        inter_chunk_latencies=Distribution.of_values([0.01] * 8),
        inter_chunk_latency_sum=0.08,
        max_inter_chunk_latency=0.01,
        input_tokens=9,
        output_tokens=9,
        cache_read_tokens=0,
        cache_write_tokens=0,
        reasoning_tokens=0,
        usage_reported=True,
        context_window=200_000,
        context_tokens=18,
        cost_usd=0.1,
        parts=(part,),
        **who,
    )


def plain(registry: CollectorRegistry) -> CollectorRegistry:
    """prometheus_client's own metrics with the same names, labels and values as those of a registry."""
    copy = CollectorRegistry()
    for family in (family for family in registry.collect() if family.samples):
        names = sorted({name for sample in family.samples for name in sample.labels} - {'le'})
        keys = dict.fromkeys(tuple(sample.labels[name] for name in names) for sample in family.samples)
        if family.type == 'histogram':
            bounds = dict.fromkeys(sample.labels['le'] for sample in family.samples if 'le' in sample.labels)
            made: Any = Histogram(
                family.name, family.documentation, names, registry=copy, buckets=[*map(float, bounds)]
            )
            act: Callable[[Any], None] = _observe
        elif family.type == 'counter':
            made, act = Counter(family.name, family.documentation, names, registry=copy), _increment
        else:
            made, act = Gauge(family.name, family.documentation, names, registry=copy), _increment
        for key in keys:
            act(made.labels(*key) if names else made)
    return copy


def _observe(histogram: Histogram) -> None:
    histogram.observe(0.1)


def _increment(counter: Counter | Gauge) -> None:
    counter.inc()


def samples(registry: CollectorRegistry) -> int:
    """How many series a scrape of the registry as text makes in Prometheus."""
    return sum(len(family.samples) for family in registry.collect())


def native_series(registry: CollectorRegistry) -> int:
    """How many series it makes in a Prometheus that takes native histograms."""
    return sum(
        sum(1 for _ in family.readings())
        if isinstance(family, HistogramFamily)
        else sum(not sample.name.endswith('_created') for sample in family.samples)
        for family in registry.collect()
    )


def scrape_cost(deployment: Deployment, rounds: int) -> dict[str, float]:
    """CPU milliseconds of a scrape beside prometheus_client's own of the same series, paired; and its size."""
    registry, tap = filled(deployment)
    sink, natively, native_tap = registered('native')
    observe(sink, deployment)
    with tap, native_tap:
        same = plain(registry)
        seen: dict[str, list[float]] = {'ours': [], 'plain': [], 'protobuf': [], 'native': []}
        ways = (
            ('ours', registry, generate_latest),
            ('plain', same, generate_latest),
            ('protobuf', registry, exposition),
            ('native', natively, exposition),
        )
        for turn, (name, scraped, generate) in product(range(rounds), ways):
            gc.collect()
            started = time.process_time()
            generate(scraped)
            if turn:
                seen[name].append((time.process_time() - started) * 1e3)
        return {
            'series': samples(registry),
            'series of the plain registry': samples(same),
            'series with native histograms': native_series(registry),
            'bytes': len(generate_latest(registry)),
            'bytes by protobuf': len(exposition(registry)),
            'bytes by protobuf, native only': len(exposition(natively)),
            'protobuf ms': median(seen['protobuf']),
            'protobuf ms, native only': median(seen['native']),
            'ms': median(seen['ours']),
            'plain ms': median(seen['plain']),
            'ratio': median(ours / plain for ours, plain in zip(seen['ours'], seen['plain'], strict=True)),
        }


def loop_lag(deployment: Deployment, scrapes: int) -> dict[str, float]:
    """Milliseconds by which a timer of the event loop is late, with and without scrapes of the tap's own server."""
    registry, tap = filled(deployment)

    async def lateness(busy: asyncio.Future[object] | None) -> float:
        worst = 0.0
        until = time.perf_counter() + 1.0
        while (busy is None and time.perf_counter() < until) or (busy is not None and not busy.done()):
            asked = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - asked - 0.001)
        return worst * 1e3

    async def main() -> dict[str, float]:
        with serve(port=0, registry=registry) as server:

            def scrape() -> object:
                return [urllib.request.urlopen(server.url).read() for _ in range(scrapes)]

            idle = await lateness(None)
            return {
                'worst idle ms': idle,
                'worst scraped ms': await lateness(asyncio.ensure_future(asyncio.to_thread(scrape))),
            }

    with tap:
        return asyncio.run(main())


def native_memory(histograms: int) -> dict[str, float]:
    """What native histograms take that saw every value from a microsecond to a day: their memory, and a scrape of them."""
    registry = CollectorRegistry()
    decades = [10 ** (number / 20) for number in range(-120, 100)]
    gc.collect()
    tracemalloc.start()
    try:
        collector = HistogramCollector('seconds', 'Seconds.', ('number',), ())
        registry.register(collector)
        for number in range(histograms):
            child = collector.labels(f'{number}')
            for value in decades:
                child.observe(value)
        gc.collect()
        memory = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    started = time.process_time()
    size = len(exposition(registry))
    return {
        'memory MB': memory / 1e6,
        'memory of one, bytes': memory / histograms,
        'scrape ms': (time.process_time() - started) * 1e3,
        'scrape bytes': size,
    }


def per_label_set() -> dict[str, dict[str, float]]:
    """What each more agent, model of an agent, and tool of an agent adds: series, bytes of a scrape, bytes of memory."""
    few, many = 10, 40
    rows: dict[str, dict[str, float]] = {}
    for what, before, after in (
        ('agent', Deployment(few, 0, 0), Deployment(many, 0, 0)),
        ('model of an agent', Deployment(1, few, 0), Deployment(1, many, 0)),
        ('tool of an agent', Deployment(1, 0, few), Deployment(1, 0, many)),
    ):
        small, large = _measured(before), _measured(after)
        each = [(more - less) / (many - few) for less, more in zip(small, large, strict=True)]
        names = ('series', 'series natively', 'scrape bytes', 'protobuf bytes', 'memory bytes')
        rows[f'Each {what} more'] = dict(zip(names, each, strict=True))
    return rows


def _measured(deployment: Deployment) -> tuple[int, int, int, int, int]:
    filled(deployment)[1].close()
    gc.collect()
    tracemalloc.start()
    try:
        registry, tap = filled(deployment)
        gc.collect()
        memory = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    with tap:
        texts = samples(registry), native_series(registry), len(generate_latest(registry)), len(exposition(registry))
        return (*texts, memory)
