"""The metric sink: the catalogue by OpenTelemetry, as receivers of it show it."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from pydantic_ai.models.instrumented import InstrumentationSettings

from answers.pushes import one_line
from streamtap import OTelMetricSink, PrometheusSink, Tap
from streamtap._sinks.metrics.catalogue import BUCKETS, PUSHED, SCRAPED
from support.doors import HANDLER_AND_CAPABILITY
from support.made_records import IDS, give_everything, tool
from support.paths import TESTS
from support.scripted import Calls, agent
from support.victoria_server import Series

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricReader
    from prometheus_client import CollectorRegistry

    from support.victoria_server import VictoriaMetrics

GAPS = 'pydantic_ai_inter_chunk_latency'
GAP_FIGURES = {f'{GAPS}_{figure}_seconds' for figure in ('mean', 'max')}


def provider_of(reader: MetricReader, **options: Any) -> MeterProvider:
    return MeterProvider([reader], shutdown_on_exit=False, **options)


def attached(*sinks: Any, **options: Any) -> Tap:
    return Tap(list(sinks), **options)


def scraped(registry: CollectorRegistry) -> set[Series]:
    """Every series of a registry, but for what only one of the two ways has."""
    ours = [family for family in registry.collect() if family.name.startswith(('pydantic_ai', 'streamtap'))]
    samples = [sample for family in ours for sample in family.samples if not sample.name.endswith('_created')]
    found = [Series(sample.name, frozenset(_own_labels(sample.labels)), sample.value) for sample in samples]
    # OpenTelemetry has no histogram that is still empty.
    empty = {(series.name[: -len('_count')], series.labels) for series in found if _is_of_none(series)}
    return {series for series in found if (series.name.rpartition('_')[0], _without_bound(series)) not in empty}


def _is_of_none(series: Series) -> bool:
    return series.name.endswith('_count') and series.value == 0


def _without_bound(series: Series) -> frozenset[tuple[str, str]]:
    return frozenset(pair for pair in series.labels if pair[0] != 'le')


def _own_labels(labels: dict[str, str]) -> list[tuple[str, str]]:
    """To Prometheus an empty label is none."""
    return [
        (name, str(float(value)) if name == 'le' else value)
        for name, value in labels.items()
        if value and not name.startswith('otel_')
    ]


def shared(found: set[Series]) -> set[Series]:
    """What both ways are to have alike: all but inter-chunk latency, and the age of what is open."""
    return {series for series in found if not series.name.startswith((GAPS, 'pydantic_ai_oldest_run_age'))}


def collected(reader: InMemoryMetricReader) -> dict[str, Metric]:
    data = reader.get_metrics_data()
    assert data is not None
    return {
        metric.name: metric
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def points(reader: InMemoryMetricReader, name: str) -> list[tuple[dict[str, Any], Any]]:
    """The data points of a metric: their attributes, and a counter's value or a histogram's count and sum."""
    metric = collected(reader).get(name)
    return [
        (dict(point.attributes or {}), (point.count, point.sum) if hasattr(point, 'count') else point.value)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        for point in (metric.data.data_points if metric is not None else ())
    ]


def test_a_real_receiver_shows_what_a_scrape_shows(victoria_metrics: VictoriaMetrics, registry: CollectorRegistry):
    """Every series of the exposition arrives under its name, labels and value; only inter-chunk latency differs."""
    exporter = OTLPMetricExporter(victoria_metrics.otlp)
    provider = provider_of(PeriodicExportingMetricReader(exporter, export_interval_millis=1e9))
    sinks = PrometheusSink(registry), OTelMetricSink(provider, usage='always')
    tap = attached(*sinks)
    for sink in sinks:
        give_everything(sink)
    provider.force_flush()
    received = victoria_metrics.series()
    provider.shutdown()
    assert shared(received) == shared(scraped(registry))
    names = {series.name.rpartition('_')[0] for series in received if series.name.startswith(GAPS)}
    assert names == GAP_FIGURES
    assert tap.live().runs == ()


def test_the_service_version_is_shown_for_deploy_annotations():
    """As it is given, since no meter provider shows its resource."""
    reader = InMemoryMetricReader()
    tap = attached(OTelMetricSink(provider_of(reader)), service_version='1.2.3')
    ((labels, value),) = points(reader, 'streamtap.build_info')
    assert (labels['service_version'], value, tap.live().runs) == ('1.2.3', 1, ())


def test_the_sdks_own_scrape_shows_what_ours_shows(registry: CollectorRegistry):
    """Under opentelemetry-exporter-prometheus the names, labels and values are the same."""
    from prometheus_client import CollectorRegistry as Registry

    if 'registry' not in inspect.signature(PrometheusMetricReader).parameters:
        pytest.skip('this opentelemetry-exporter-prometheus takes no registry of ours: 0.63b0 and later do')
    theirs = Registry()
    provider = provider_of(PrometheusMetricReader(registry=theirs))
    sinks = PrometheusSink(registry), OTelMetricSink(provider, usage='always')
    attached(*sinks)
    for sink in sinks:
        give_everything(sink)
    assert shared(scraped(theirs)) == shared(scraped(registry))


def test_every_row_has_its_name_unit_and_bounds():
    """The instruments are those of the catalogue, with its buckets as advice."""
    reader = InMemoryMetricReader()
    sink = OTelMetricSink(provider_of(reader))
    tap = attached(sink)
    give_everything(sink)
    found = collected(reader)
    assert {(metric.otel_name, metric.otel_unit, metric.help) for metric in PUSHED} == {
        (name, metric.unit, metric.description) for name, metric in found.items()
    }
    for row in PUSHED:
        if row.type == 'histogram':
            point = found[row.otel_name].data.data_points[0]
            assert isinstance(point, HistogramDataPoint)
            assert tuple(point.explicit_bounds) == BUCKETS[row.buckets or '']
    assert tap.live().runs == ()


def test_a_response_has_the_mean_and_the_longest_of_its_gaps():
    """Where a scrape has each gap in its bucket."""
    reader = InMemoryMetricReader()
    sink = OTelMetricSink(provider_of(reader))
    tap = attached(sink)
    give_everything(sink)
    who = {'agent': 'a', 'provider': 'p', 'model': 'm'}
    assert points(reader, 'pydantic_ai.inter_chunk_latency_mean') == [(who, (1, pytest.approx(0.34 / 3)))]
    assert points(reader, 'pydantic_ai.inter_chunk_latency_max') == [(who, (1, 0.3))]
    assert tap.live().runs == ()


@pytest.mark.parametrize('way', ['view', 'environment'])
def test_one_line_makes_histograms_exponential(way: str, monkeypatch: pytest.MonkeyPatch):
    """A view, as Logfire has it, or the documented variable, which the exporter reads: with the same names and values."""
    reader, options = InMemoryMetricReader(), dict[str, Any]()
    if way == 'view':
        options['views'] = [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]
    else:
        for variable, value in one_line().items():
            monkeypatch.setenv(variable, value)
        exporter = OTLPMetricExporter('http://127.0.0.1:1')
        reader = InMemoryMetricReader(preferred_aggregation=exporter._preferred_aggregation)  # pyright: ignore[reportPrivateUsage]
    sink = OTelMetricSink(provider_of(reader, **options))
    tap = attached(sink)
    give_everything(sink)
    found = collected(reader)
    histograms = {row.otel_name for row in PUSHED if row.type == 'histogram'}
    exponential = {
        name
        for name, metric in found.items()
        if all(isinstance(point, ExponentialHistogramDataPoint) for point in metric.data.data_points)
    }
    assert exponential == histograms
    who = {'agent': 'a', 'provider': 'p', 'model': 'm'}
    assert points(reader, 'pydantic_ai.time_to_first_token') == [(who, (1, 0.4))]
    assert points(reader, 'pydantic_ai.run_duration') == [
        ({'agent': 'a', 'nested': 'false', 'outcome': 'error'}, (1, 4.0))
    ]
    assert points(reader, 'pydantic_ai.run_requests') == [({'agent': 'a'}, (1, 3))]
    assert tap.live().runs == ()


def test_exemplars_are_the_spans_of_the_records():
    """Never the span that happens to be current, and none where the record has none."""
    from opentelemetry.sdk.trace import TracerProvider

    reader = InMemoryMetricReader()
    sink = OTelMetricSink(provider_of(reader))
    tap = attached(sink)
    with TracerProvider().get_tracer('somebody').start_as_current_span('else'):
        give_everything(sink)
    seen = {
        (exemplar.trace_id, exemplar.span_id)
        for metric in collected(reader).values()
        for point in metric.data.data_points
        for exemplar in point.exemplars or ()
    }
    assert seen == {(int(IDS['trace_id'], 16), int(IDS['span_id'], 16))}
    assert tap.live().runs == ()


@pytest.mark.parametrize(
    ('usage', 'instrumented', 'counted'),
    [
        ('unless_instrumented', False, True),
        ('unless_instrumented', True, False),
        ('always', True, True),
    ],
)
def test_tokens_and_cost_are_left_to_pydantic_ai_where_it_counts_them(
    usage: Any,
    instrumented: bool,  # noqa: FBT001
    counted: bool,  # noqa: FBT001
):
    """What `gen_ai.client.token.usage` and `operation.cost` hold would else be there twice."""
    reader = InMemoryMetricReader()
    sink = OTelMetricSink(provider_of(reader), usage=usage)
    tap = attached(sink)
    give_everything(sink, instrumented=instrumented)
    twice = {f'pydantic_ai.{name}' for name in ('input_tokens', 'output_tokens', 'cost_usd', 'request_input_tokens')}
    assert twice & collected(reader).keys() == (twice if counted else set())
    assert 'pydantic_ai.cache_read_tokens' in collected(reader)
    assert tap.live().runs == ()


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('instrumented', [False, True])
def test_a_run_knows_whether_pydantic_ai_counts_its_tokens(instrumented: bool, door: str):  # noqa: FBT001
    """With its instrumentation on, the tokens of a real run are in its own metric and not in ours."""
    reader = InMemoryMetricReader()
    provider = provider_of(reader)
    tap = attached(OTelMetricSink(provider))
    made = agent(['done'], capabilities=[tap.capability(stream=True)] if door == 'capability' else [])
    if instrumented:
        made.instrument = InstrumentationSettings(meter_provider=provider)
    asyncio.run(made.run('hello', event_stream_handler=None if door == 'capability' else tap))
    tap.close()
    assert bool(points(reader, 'gen_ai.client.token.usage')) is instrumented
    assert bool(points(reader, 'pydantic_ai.output_tokens')) is not instrumented
    assert [count for _, (count, _) in points(reader, 'pydantic_ai.time_to_first_token')] == [1]


def test_two_taps_on_one_provider_count_a_run_once(caplog: pytest.LogCaptureFixture):
    """And the SDK has no reason to warn of instruments made twice."""
    reader = InMemoryMetricReader()
    provider = provider_of(reader)
    first, second = (attached(OTelMetricSink(provider, semconv='1.41')) for _ in range(2))
    made = agent(['done'], capabilities=[first.capability(stream=True)])
    asyncio.run(made.run('hello', event_stream_handler=second))
    second.close()
    assert sum(value for _, value in points(reader, 'pydantic_ai.runs')) == 1
    assert [count for _, (count, _) in points(reader, 'gen_ai.invoke_agent.duration')] == [1]
    assert caplog.messages == []


def test_providers_that_are_equal_are_two_places_and_need_no_hash():
    """Logfire's own provider has none."""

    class Wrapper(MeterProvider):
        __hash__ = None  # pyright: ignore[reportAssignmentType]

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Wrapper)

    readers = [InMemoryMetricReader(), InMemoryMetricReader()]
    taps = [attached(OTelMetricSink(Wrapper([reader], shutdown_on_exit=False))) for reader in readers]
    asyncio.run(agent(['done'], capabilities=[tap.capability() for tap in taps]).run('hello'))
    assert [sum(value for _, value in points(reader, 'pydantic_ai.runs')) for reader in readers] == [1, 1]


def test_invented_names_stay_under_the_cap():
    """What is past it becomes `_other` and is counted, as in a scrape."""
    reader = InMemoryMetricReader()
    tap = attached(OTelMetricSink(provider_of(reader), semconv='1.41'), max_label_values=2)
    for number in range(5):
        asyncio.run(agent(['done'], name=f'a{number}', capabilities=[tap.capability()]).run('hello'))
    names = {attributes['agent'] for attributes, _ in points(reader, 'pydantic_ai.runs')}
    conventional = {attributes['gen_ai.agent.name'] for attributes, _ in points(reader, 'gen_ai.invoke_agent.duration')}
    assert names == conventional == {'a0', 'a1', '_other'}
    overflow = [labels for labels, value in points(reader, 'streamtap.label_overflow') if value > 0]
    assert overflow == [{'label': 'agent'}]


def test_what_is_open_is_there_while_it_is_open():
    """Gauges are read when metrics are collected, also those of a run that hangs."""
    reader = InMemoryMetricReader()
    tap = attached(OTelMetricSink(provider_of(reader)))
    seen: list[Any] = []

    async def look() -> str:
        seen.append(points(reader, 'pydantic_ai.tools_in_progress'))
        seen.append(points(reader, 'pydantic_ai.runs_in_progress'))
        return 'looked'

    made = agent([Calls('look')], ['done'], capabilities=[tap.capability()], tools=[look])
    asyncio.run(made.run('hello'))
    assert seen == [[({'agent': 'scripted', 'tool': 'look'}, 1)], [({'agent': 'scripted'}, 1)]]
    assert points(reader, 'pydantic_ai.runs_in_progress') == [({'agent': 'scripted'}, 0)]


# The global provider can be set once in a process.
GLOBAL = """
import asyncio, sys
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.scripted import agent
from streamtap import OTelMetricSink, Tap

reader = InMemoryMetricReader()
if sys.argv[1] == 'before':
    metrics.set_meter_provider(MeterProvider([reader]))
tap = Tap([OTelMetricSink()])
if sys.argv[1] == 'after':
    metrics.set_meter_provider(MeterProvider([reader]))
asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
names = {m.name for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics}
print(sorted(names & {'pydantic_ai.runs', 'pydantic_ai.runs_in_progress', 'pydantic_ai.run_duration'}))
"""


@pytest.mark.parametrize('order', ['before', 'after'])
def test_the_global_provider_may_be_set_before_or_after_the_tap_is_made(order: str):
    """Counters, gauges and histograms find it."""
    done = subprocess.run(
        [sys.executable, '-c', GLOBAL, order],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.stdout == "['pydantic_ai.run_duration', 'pydantic_ai.runs', 'pydantic_ai.runs_in_progress']\n", (
        done.stderr
    )


def test_the_global_provider_is_one_place_by_whatever_name(monkeypatch: pytest.MonkeyPatch):
    """A sink that is given it and one that looks it up count a run once."""
    reader = InMemoryMetricReader()
    provider = provider_of(reader)
    monkeypatch.setattr('opentelemetry.metrics._internal._METER_PROVIDER', provider)
    tap = attached(OTelMetricSink(), OTelMetricSink(provider))
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    assert sum(value for _, value in points(reader, 'pydantic_ai.runs')) == 1


def test_a_nonsense_is_refused_at_construction():
    """With what to pass instead."""
    provider: Any = 'http://collector'
    usage: Any = 'sometimes'
    with pytest.raises(TypeError, match='must be an OpenTelemetry MeterProvider'):
        OTelMetricSink(provider)
    with pytest.raises(ValueError, match="'unless_instrumented' or 'always'"):
        OTelMetricSink(usage=usage)
    semconv: Any = True
    with pytest.raises(ValueError, match=r"'1\.41' or 'latest'"):
        OTelMetricSink(semconv=semconv)
    sink = OTelMetricSink()
    tap = Tap([sink])
    with pytest.raises(ValueError, match='a OTelMetricSink belongs to one tap'):
        Tap([sink])
    assert tap.live().runs == ()


def test_the_two_ways_have_the_same_rows_but_for_inter_chunk_latency():
    """So that boards and rules serve both."""
    assert {row.name for row in SCRAPED} ^ {row.name for row in PUSHED} == {f'{GAPS}_seconds', *GAP_FIGURES}


def test_no_metric_has_more_label_sets_than_the_sdk_keeps():
    """Past 2,000 of them the SDK would fold calls into a set without labels, and nobody would be told."""
    reader = InMemoryMetricReader()
    sink = OTelMetricSink(provider_of(reader))
    attached(sink, max_label_values=1000)
    for number in range(400):
        sink.tool_ended(tool(tool=f'tool {number}'))
    found = collected(reader)
    calls = [point for point in found['pydantic_ai.tool_calls'].data.data_points if isinstance(point, NumberDataPoint)]
    assert len(calls) < 2000
    assert not any('otel.metric.overflow' in (point.attributes or {}) for point in calls)
    assert sum(point.value for point in calls) == 400
