"""The judge of answers reads what the documentation says to set and to write, and stores pushes as Prometheus does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, DefaultAggregation, ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from answers.otlp_receiver import samples
from answers.pushes import one_line
from answers.queries import from_first_push, from_first_sample, without_native
from answers.remote_write import Buckets
from streamtap import OTelMetricSink, Tap
from streamtap._sinks.metrics.catalogue import PUSHED
from support.made_records import give_everything, run

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

DURATION = 'pydantic_ai_run_duration_seconds'


def pushed(*durations: float, aggregation: Aggregation) -> ExportMetricsServiceRequest:
    """What the exporter sends of a sink that saw everything once, and runs of these durations."""
    reader = InMemoryMetricReader(preferred_aggregation={Histogram: aggregation})
    resource = Resource({'service.name': 'agents', 'service.instance.id': 'pod'})
    sink = OTelMetricSink(MeterProvider([reader], resource, shutdown_on_exit=False))
    tap = Tap([sink])
    give_everything(sink)
    for number, duration in enumerate(durations):
        sink.run_ended(run(run_id=f'timed {number}', agent='timed', duration=duration))
    data = reader.get_metrics_data()
    tap.close()
    assert data is not None
    return encode_metrics(data)


def stored(request: ExportMetricsServiceRequest) -> float | Buckets:
    """The durations of the agent `timed`."""
    (found,) = [
        value
        for _, labels, value in samples(request)
        if (labels['__name__'], labels.get('agent')) == (DURATION, 'timed')
    ]
    return found


def test_what_is_pushed_is_stored_under_the_names_and_labels_of_the_catalogue():
    """With the process that pushed it, as a scrape has it."""
    found: dict[str, set[frozenset[str]]] = {}
    for _, labels, _ in samples(pushed(aggregation=ExponentialBucketHistogramAggregation())):
        assert (labels['job'], labels['instance']) == ('agents', 'pod')
        found.setdefault(labels['__name__'], set()).add(frozenset(labels) - {'__name__', 'job', 'instance'})
    rows = {row.name: row for row in PUSHED}
    # Not every row is filled where nothing happens: the loop's lag, for one.
    assert found.keys() <= rows.keys()
    assert {DURATION, 'pydantic_ai_output_tokens_per_second', 'pydantic_ai_cost_usd_total'} <= found.keys()
    assert {name: {frozenset(rows[name].labels)} for name in found} == found


def test_an_exponential_histogram_is_stored_in_the_finest_buckets_that_prometheus_has():
    """Each value in the bucket whose bounds hold it, the upper one included."""
    durations = (1.0, 1.5, 1.5001, 40.0)
    request = pushed(*durations, aggregation=ExponentialBucketHistogramAggregation(max_size=160))
    histogram = stored(request)
    assert isinstance(histogram, Buckets)
    assert (histogram.count, histogram.total) == (4, pytest.approx(sum(durations)))
    assert histogram.schema <= 8
    counts: dict[int, int] = {}
    for duration in durations:
        number = math.ceil(math.log2(duration) * 2**histogram.schema)
        counts[number] = counts.get(number, 0) + 1
    assert dict(histogram.counts) == counts


def test_an_exact_power_of_two_lies_below_its_bound():
    """As both definitions have it: the upper bound belongs to the bucket, the lower one does not."""
    histogram = stored(pushed(2.0, aggregation=ExponentialBucketHistogramAggregation()))
    assert histogram == Buckets(1, 2.0, 8, 1e-128, 0, [(256, 1)])


def test_classic_histograms_are_refused():
    """So that the judge would not be silent if the documented line did nothing."""
    with pytest.raises(ValueError, match='is no cumulative exponential histogram, sum or gauge'):
        list(samples(pushed(aggregation=DefaultAggregation())))


def test_one_line_of_the_documentation_makes_histograms_exponential():
    """It is the variable that the exporter reads, and what is done for runs is in the unit tests of the sink."""
    assert one_line() == {
        'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION': 'base2_exponential_bucket_histogram'
    }


def in_one_line(query: str) -> str:
    """A query without its line ends."""
    return ' '.join(query.split())


def test_what_the_page_says_to_write_is_what_is_asked():
    """For counters, and for native histograms that are pushed; a query for VictoriaMetrics has no native half."""
    of, before = 'a_total{b="c"}[2h]', 'present_over_time(a_total{b="c"}[2h] offset 2h)'
    counters = (
        f'sum(( increase({of}) and {before} or (last_over_time({of}) and resets({of}) == 0'
        f' or increase({of}) + min_over_time({of})) unless {before} ))'
    )
    native = (
        '( increase(a[2h]) and present_over_time(a[2h] offset 2h) or (last_over_time(a[2h]) and resets(a[2h]) == 0'
        ' or increase(a[2h])) unless present_over_time(a[2h] offset 2h) )'
    )
    query = 'sum(increase(a_total{b="c"}[2h]))'
    assert in_one_line(from_first_sample(f'{query} + increase(a[2h])')) == f'{counters} + increase(a[2h])'
    assert in_one_line(from_first_push(f'{query} + increase(a[2h])')) == f'{counters} + {native}'
    assert without_native(f'{query}\nor\nhistogram_sum(increase(a[2h]))') == query
    assert without_native(f'{query}\nor\nincrease(a[2h])') == f'{query}\nor\nincrease(a[2h])'
