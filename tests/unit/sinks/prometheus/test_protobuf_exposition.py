"""Prometheus' exposition by protobuf, of any metrics: read by the protobuf library, with the public definition."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.registry import Collector

from streamtap import metrics_app, serve
from streamtap._sinks.prometheus.protobuf_exposition import exposition
from support.metric_families import families

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW = 1_700_000_000.25
PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'

PROMETHEUS_2_42 = (
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,'
    'text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
)
NATIVE_2_42 = (
    f'{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,'
    'application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
)
NATIVE_3 = (
    f'{PROTOBUF};escaping=allow-utf-8;q=0.6,'
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,'
    'application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,'
    'text/plain;version=0.0.4;q=0.2,*/*;q=0.1'
)
PROMETHEUS_3 = (
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,'
    'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,'
    'text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
)
TEXT_BEFORE_PROTOBUF = f'text/plain;version=0.0.4;q=0.9,{PROTOBUF};q=0.5'


def collecting(registry: CollectorRegistry, *made: Metric) -> CollectorRegistry:
    """The registry, with a collector that yields these families."""

    class Own(Collector):
        def collect(self) -> Iterable[Metric]:
            return made

    registry.register(Own())
    return registry


def read(registry: CollectorRegistry, **options: Any) -> list[dict[str, Any]]:
    return families(exposition(registry, **options))


def test_metrics_of_prometheus_client_are_what_they_are(registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch):
    """Each type as the public definition has it, with exemplars and the time of creation."""
    monkeypatch.setattr('time.time', lambda: NOW)
    Counter('asked', 'Calls.', ['who'], registry=registry).labels('ä').inc(2, {'trace_id': 'abc'})
    Gauge('open', 'Open.', registry=registry).set(-1.5)
    Summary('took', 'Time.', registry=registry).observe(3)
    Histogram('size', 'Sizes.', registry=registry, buckets=(1, 2)).observe(1.5, {'trace_id': 'abc'})
    Info('built', 'Build.', registry=registry).info({'version': '1'})
    Enum('state', 'State.', states=['on', 'off'], registry=registry).state('off')
    at = {'created_timestamp': NOW}

    def exemplar(value: float) -> dict[str, Any]:
        return {'labels': {'trace_id': 'abc'}, 'value': value, 'timestamp': NOW}

    buckets = [
        {'cumulative_count': 0, 'upper_bound': 1.0},
        {'cumulative_count': 1, 'upper_bound': 2.0, 'exemplar': exemplar(1.5)},
        {'cumulative_count': 1, 'upper_bound': float('inf')},
    ]
    assert [(each['name'], each['help'], each['type'], each['metric']) for each in read(registry)] == [
        (
            'asked_total',
            'Calls.',
            'COUNTER',
            [{'labels': {'who': 'ä'}, 'counter': {'value': 2.0, 'exemplar': exemplar(2.0), **at}}],
        ),
        ('open', 'Open.', 'GAUGE', [{'gauge': {'value': -1.5}}]),
        ('took', 'Time.', 'SUMMARY', [{'summary': {'sample_count': 1, 'sample_sum': 3.0, **at}}]),
        (
            'size',
            'Sizes.',
            'HISTOGRAM',
            [{'histogram': {'sample_count': 1, 'sample_sum': 1.5, 'bucket': buckets, **at}}],
        ),
        ('built_info', 'Build.', 'GAUGE', [{'labels': {'version': '1'}, 'gauge': {'value': 1.0}}]),
        (
            'state',
            'State.',
            'GAUGE',
            [
                {'labels': {'state': 'on'}, 'gauge': {'value': 0.0}},
                {'labels': {'state': 'off'}, 'gauge': {'value': 1.0}},
            ],
        ),
    ]


def test_families_of_collectors_are_what_they_are(registry: CollectorRegistry):
    """Quantiles, buckets of gauges, times and counts that are no whole numbers."""
    summary = SummaryMetricFamily('s', 'S.', 4, 2.5)
    summary.add_sample('s', {'quantile': '0.5'}, 0.75)
    counter = CounterMetricFamily('c', 'C.', labels=['x'])
    counter.add_metric(['1'], 3, timestamp=12.5)
    made = (
        summary,
        counter,
        UnknownMetricFamily('u', 'U.', 7),
        HistogramMetricFamily('h', 'H.', buckets=[('1.0', 0.5), ('+Inf', 2.5)], sum_value=4),
        GaugeHistogramMetricFamily('gh', 'GH.', buckets=[('1.0', 1), ('+Inf', 2)], gsum_value=3),
        GaugeMetricFamily('empty', 'Nothing.', labels=['x']),
    )
    assert [(each['name'], each['type'], each['metric']) for each in read(collecting(registry, *made))] == [
        (
            's',
            'SUMMARY',
            [{'summary': {'sample_count': 4, 'sample_sum': 2.5, 'quantile': [{'quantile': 0.5, 'value': 0.75}]}}],
        ),
        ('c_total', 'COUNTER', [{'labels': {'x': '1'}, 'counter': {'value': 3.0}, 'timestamp_ms': 12500}]),
        ('u', 'UNTYPED', [{'untyped': {'value': 7.0}}]),
        (
            'h',
            'HISTOGRAM',
            [
                {
                    'histogram': {
                        'sample_count_float': 2.5,
                        'sample_sum': 4.0,
                        'bucket': [
                            {'cumulative_count_float': 0.5, 'upper_bound': 1.0},
                            {'cumulative_count_float': 2.5, 'upper_bound': float('inf')},
                        ],
                    }
                }
            ],
        ),
        (
            'gh',
            'GAUGE_HISTOGRAM',
            [
                {
                    'histogram': {
                        'sample_count': 2,
                        'sample_sum': 3.0,
                        'bucket': [
                            {'cumulative_count': 1, 'upper_bound': 1.0},
                            {'cumulative_count': 2, 'upper_bound': float('inf')},
                        ],
                    }
                }
            ],
        ),
    ]


def test_samples_that_fit_no_type_are_not_lost(registry: CollectorRegistry):
    """They are untyped, under their own names, as a text would show them."""
    odd = Metric('odd', 'Odd.', 'counter')
    odd.add_sample('odd', {'a': 'b'}, 1)
    odd.add_sample('odd_total', {}, 2)
    histogram = Metric('h', 'H.', 'histogram')
    histogram.add_sample('h_bucket', {}, 3)
    assert [(each['name'], each['type'], each['metric']) for each in read(collecting(registry, odd, histogram))] == [
        ('odd_total', 'COUNTER', [{'counter': {'value': 2.0}}]),
        ('odd', 'UNTYPED', [{'labels': {'a': 'b'}, 'untyped': {'value': 1.0}}]),
        ('h_bucket', 'UNTYPED', [{'untyped': {'value': 3.0}}]),
    ]


def test_long_texts_and_large_numbers_are_whole(registry: CollectorRegistry):
    """Lengths and counts of more than one byte; half a surrogate pair does not cost the scrape."""
    text = 'long ' * 100
    Gauge('g', text, ['l'], registry=registry).labels(text).set(1e300)
    Gauge('half', 'Half.', ['l'], registry=registry).labels('\ud800').set(1)
    histogram = HistogramMetricFamily('h', 'H.', buckets=[('+Inf', 2**40 + 1)], sum_value=1)
    first, second, third = read(collecting(registry, histogram))
    assert first['metric'] == [{'labels': {'l': text}, 'gauge': {'value': 1e300}}]
    assert second['metric'] == [{'labels': {'l': '?'}, 'gauge': {'value': 1.0}}]
    assert third['metric'][0]['histogram']['sample_count'] == 2**40 + 1


def test_names_that_a_scraper_cannot_take_are_spelt_with_underscores(registry: CollectorRegistry):
    """Unless it takes them as they are."""

    class Family(GaugeMetricFamily):
        def __init__(self) -> None:
            super().__init__('plain', 'Named in UTF-8.')
            self.name = '1.größe'
            self.add_sample(self.name, {'lä.nge': 'ß'}, 1)

    collecting(registry, Family())
    assert [(each['name'], each['metric'][0]['labels']) for each in read(registry)] == [
        ('__gr__e', {'l__nge': 'ß'}),
    ]
    assert read(registry, names_as_they_are=True)[0]['name'] == '1.größe'


def get(registry: CollectorRegistry, accept: str, path: str = '/metrics', **headers: str) -> httpx.Response:
    """An answer of the mounted application."""

    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(app=metrics_app(registry))  # pyright: ignore[reportArgumentType]
        async with httpx.AsyncClient(transport=transport, base_url='http://app') as client:
            return await client.get(path, headers={'Accept': accept, 'Accept-Encoding': 'identity', **headers})

    return asyncio.run(main())


@pytest.mark.parametrize(
    ('accept', 'kind'),
    [
        (NATIVE_2_42, 'application/vnd.google.protobuf'),
        (NATIVE_3, 'application/vnd.google.protobuf'),
        (PROTOBUF, 'application/vnd.google.protobuf'),
        (f'{PROTOBUF};q=0.5, text/html', 'application/vnd.google.protobuf'),
        (PROMETHEUS_2_42, 'application/openmetrics-text'),
        (PROMETHEUS_3, 'application/openmetrics-text'),
        (TEXT_BEFORE_PROTOBUF, 'text/plain'),
        (f'{PROTOBUF};q=0.1,*/*;q=0.5', 'text/plain'),
        (f'text/plain,{PROTOBUF}', 'text/plain'),
        (f'{PROTOBUF};q=0', 'text/plain'),
        (f'{PROTOBUF};q=high', 'text/plain'),
        (PROTOBUF.replace('delimited', 'text'), 'text/plain'),
        (PROTOBUF.replace('MetricFamily', 'Other'), 'text/plain'),
        ('', 'text/plain'),
        ('application/openmetrics-text; version=abc', 'text/plain'),
    ],
)
def test_a_scraper_gets_what_it_wants_most(registry: CollectorRegistry, accept: str, kind: str):
    """By the qualities in its header, as each Prometheus sends it with and without native histograms."""
    Gauge('g', 'G.', registry=registry).set(1)
    answer = get(registry, accept)
    assert answer.headers['content-type'].partition(';')[0] == kind
    if kind.endswith('protobuf'):
        assert [family['name'] for family in families(answer.content)] == ['g']


def test_the_answer_names_its_message_its_encoding_and_its_escaping(registry: CollectorRegistry):
    """As Prometheus' own client does."""
    message = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
    assert get(registry, NATIVE_2_42).headers['content-type'] == f'{message}; escaping=underscores'
    assert get(registry, NATIVE_3).headers['content-type'] == f'{message}; escaping=allow-utf-8'


def test_protobuf_is_compressed_and_restricted_as_text_is(registry: CollectorRegistry):
    """Where it is asked for."""
    for name in ('a', 'b'):
        Gauge(name, 'G.', registry=registry).set(1)
    plain = get(registry, PROTOBUF)
    with serve(port=0, registry=registry) as server:
        packed = httpx.get(server.url, headers={'Accept': PROTOBUF, 'Accept-Encoding': 'gzip'}, trust_env=False)
    assert (plain.headers.get('content-encoding'), packed.headers['content-encoding']) == (None, 'gzip')
    assert plain.content == packed.content == gzip.decompress(gzip.compress(plain.content))
    assert [family['name'] for family in families(get(registry, PROTOBUF, '/metrics?name[]=b').content)] == ['b']
