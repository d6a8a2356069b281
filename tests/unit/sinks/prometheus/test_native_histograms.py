"""Native histograms of the Prometheus sink: in the exposition by protobuf, and unseen by all others."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, Gauge, disable_created_metrics, enable_created_metrics, generate_latest
from prometheus_client.openmetrics.exposition import (
    generate_latest as generate_openmetrics,  # pyright: ignore[reportUnknownVariableType]
)

from streamtap import Distribution, PrometheusSink, Tap
from streamtap._sinks.metrics.catalogue import BUCKETS
from streamtap._sinks.prometheus.histogram import MAX_EXEMPLARS, Histogram, HistogramLock
from streamtap._sinks.prometheus.protobuf_exposition import exposition
from streamtap._sinks.prometheus.protobuf_histogram import NativeHistograms
from support.made_records import IDS, full_response, give_everything, run
from support.metric_families import families

if TYPE_CHECKING:
    from streamtap.typing import Histograms

DURATION = 'pydantic_ai_run_duration_seconds'
NOW = 1_700_000_000.25


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is created at one moment."""
    monkeypatch.setattr('time.time', lambda: NOW)


EXPOSITIONS: list[Any] = [generate_latest, generate_openmetrics]


def seen_by(histograms: Histograms) -> CollectorRegistry:
    """A registry whose sink saw everything."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry, histograms=histograms)
    Tap([sink])
    give_everything(sink)
    return registry


def shown(registry: CollectorRegistry, name: str) -> list[dict[str, Any]]:
    """The metrics of a family that have values, by protobuf."""
    (family,) = (family for family in families(exposition(registry)) if family['name'] == name)
    return [metric for metric in family['metric'] if metric['histogram']['sample_count']]


@pytest.mark.parametrize('generate', EXPOSITIONS)
def test_scrapers_of_text_see_what_classic_histograms_show(generate: Any):
    """Byte by byte, with exemplars and times of creation."""
    assert generate(seen_by('both')) == generate(seen_by('classic'))


@pytest.mark.parametrize('generate', EXPOSITIONS)
def test_switching_created_off_in_prometheus_client_holds_for_these_too(generate: Any):
    """A text has none then."""
    disable_created_metrics()
    try:
        assert generate(seen_by('both')) == generate(seen_by('classic'))
        assert b'_created' not in generate(seen_by('both'))
    finally:
        enable_created_metrics()


def test_native_only_leaves_sum_and_count_to_scrapers_of_text():
    """With the one bucket that a histogram cannot be without, and its newest exemplar."""
    text: str = EXPOSITIONS[1](seen_by('native')).decode()
    labels = 'agent="a",nested="false",outcome="error"'
    exemplar = f'{{span_id="{IDS["span_id"]}",trace_id="{IDS["trace_id"]}"}} 4.0 {NOW}'
    assert [line for line in text.splitlines() if line.startswith(f'{DURATION}_') and '"error"' in line] == [
        f'{DURATION}_bucket{{agent="a",le="+Inf",nested="false",outcome="error"}} 1.0 # {exemplar}',
        f'{DURATION}_count{{{labels}}} 1.0',
        f'{DURATION}_sum{{{labels}}} 4.0',
        f'{DURATION}_created{{{labels}}} 1.70000000025e+09',
    ]


def test_protobuf_has_classic_and_native_buckets():
    """With the exemplar on its classic bucket, and the time of creation."""
    exemplar = {'labels': {key: IDS[key] for key in ('trace_id', 'span_id')}, 'value': 4.0, 'timestamp': NOW}
    (metric,) = shown(seen_by('both'), DURATION)
    buckets = metric['histogram'].pop('bucket')
    assert [bucket['upper_bound'] for bucket in buckets] == list(BUCKETS['R'])
    assert [bucket['cumulative_count'] for bucket in buckets] == [int(bound >= 4.0) for bound in BUCKETS['R']]
    assert [bucket['exemplar'] for bucket in buckets if 'exemplar' in bucket] == [exemplar]
    assert metric == {
        'labels': {'agent': 'a', 'nested': 'false', 'outcome': 'error'},
        'histogram': {
            'sample_count': 1,
            'sample_sum': 4.0,
            'schema': 4,
            'zero_threshold': 2.0**-128,
            'zero_count': 0,
            'positive_span': [{'offset': 32, 'length': 1}],
            'positive_delta': [1],
            'created_timestamp': NOW,
            'exemplars': [exemplar],
        },
    }


def test_native_only_leaves_out_classic_buckets():
    """But for one with the newest exemplar, where older servers look for it."""
    exemplar = {'labels': {key: IDS[key] for key in ('trace_id', 'span_id')}, 'value': 4.0, 'timestamp': NOW}
    (metric,) = shown(seen_by('native'), DURATION)
    assert metric['histogram']['bucket'] == [{'cumulative_count': 1, 'upper_bound': float('inf'), 'exemplar': exemplar}]
    assert metric['histogram']['exemplars'] == [exemplar]


def test_neighbours_share_a_span_and_distant_buckets_begin_another():
    """A gap of up to two is written as zeros."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry)
    Tap([sink])
    for number in (-20, -19, -19, -17, -14, 0, 4):
        sink.run_ended(run(duration=2 ** (number / 16)))
    (metric,) = shown(registry, DURATION)
    assert metric['histogram']['positive_span'] == [
        {'offset': -20, 'length': 7},
        {'offset': 13, 'length': 1},
        {'offset': 3, 'length': 1},
    ]
    deltas: list[int] = metric['histogram']['positive_delta']
    assert list(itertools.accumulate(deltas)) == [1, 2, 0, 1, 0, 0, 1, 1, 1]


def test_zeros_and_negative_values_are_written_too():
    """As a refund would be."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry)
    Tap([sink])
    for cost in (0.0, -1.0, -1.0, 2.0):
        sink.run_ended(run(cost_usd=cost))
    (metric,) = shown(registry, 'pydantic_ai_run_cost_usd')
    found = {key: value for key, value in metric['histogram'].items() if key.startswith(('zero_c', 'neg', 'pos'))}
    assert found == {
        'zero_count': 1,
        'negative_span': [{'offset': 0, 'length': 1}],
        'negative_delta': [2],
        'positive_span': [{'offset': 16, 'length': 1}],
        'positive_delta': [1],
    }


def test_a_histogram_without_values_is_a_native_one_already():
    """An empty span says so: its type must not change with its first value."""
    histogram = Histogram(HistogramLock(), ())
    assert NativeHistograms(())(histogram.read()).count(bytes([12 << 3 | 2, 4, 8, 0, 16, 0])) == 1


def test_gaps_come_from_the_buckets_that_counted_them(registry: CollectorRegistry):
    """All of a response in one step, with the exemplar on the largest."""
    sink = PrometheusSink(registry)
    Tap([sink])
    sink.response_ended(full_response(**IDS, inter_chunk_latencies=Distribution.of_values([0.02] * 30 + [0.3])))
    (metric,) = shown(registry, 'pydantic_ai_inter_chunk_latency_seconds')
    histogram: dict[str, Any] = metric['histogram']
    assert (histogram['sample_count'], histogram['sample_sum']) == (31, 0.34)
    deltas: list[int] = histogram['positive_delta']
    assert sum(itertools.accumulate(deltas)) == 31
    assert [bucket['upper_bound'] for bucket in histogram['bucket'] if 'exemplar' in bucket] == [0.3]


def test_what_is_no_number_is_no_observation():
    """It would make the sum useless for good."""
    histogram = Histogram(HistogramLock(), (1.0,))
    for value in (float('nan'), float('inf'), -float('inf'), 0.5):
        histogram.observe(value)
    read = histogram.read()
    assert (read.count, read.total, read.classic) == (1, 0.5, (1, 0))


def test_exemplars_are_few_and_new():
    """Without classic buckets: the newest of each power of two, of the ten powers that came last."""
    histogram = Histogram(HistogramLock(), ())
    for exponent in (*range(20), 15):
        histogram.observe(2.0**exponent, {'trace_id': f'{exponent}'})
    values = [exemplar.value for exemplar in histogram.read().exemplars.values()]
    assert (len(values), values[-1], values[0]) == (MAX_EXEMPLARS, 2.0**15, 2.0**10)


def test_many_threads_lose_no_observation():
    """And whoever reads meanwhile finds a count that its buckets add up to."""
    histogram = Histogram(HistogramLock(), (0.5, 1.0))
    agreed: set[bool] = set()

    def observe() -> None:
        for number in range(2000):
            histogram.observe(number / 1000)

    threads = [threading.Thread(target=observe) for _ in range(4)]
    for thread in threads:
        thread.start()
    while True:
        read = histogram.read()
        agreed.add(read.count == sum(read.classic))
        if read.count == 8000:
            break
    assert (read.classic, agreed) == ((2004, 2000, 3996), {True})


def test_a_collection_in_the_middle_of_an_observation_may_observe_too():
    """A run can end whenever garbage is collected, in the thread that observes."""
    lock = HistogramLock()
    histogram = Histogram(lock, (1.0,))
    with lock.held:
        histogram.observe(0.5)
    assert histogram.read().classic == (1, 0)


def test_a_registry_knows_the_names(registry: CollectorRegistry):
    """Nobody else can have one of them."""
    Tap([PrometheusSink(registry)])
    with pytest.raises(ValueError, match='Duplicated timeseries'):
        Gauge(f'{DURATION}_count', 'Somebody else.', registry=registry)


def test_a_name_that_is_taken_is_refused(registry: CollectorRegistry):
    """And nothing of the sink stays in the registry."""
    Gauge(f'{DURATION}_count', 'Somebody else.', registry=registry)
    with pytest.raises(ValueError, match='already has a collector'):
        Tap([PrometheusSink(registry)])
    assert [family.name for family in registry.collect()] == [f'{DURATION}_count']


def test_taps_on_one_registry_have_the_same_buckets(registry: CollectorRegistry):
    """Or are told so."""
    Tap([PrometheusSink(registry)])
    with pytest.raises(ValueError, match='other labels, buckets, histograms or exclusions'):
        Tap([PrometheusSink(registry, histograms='native')])


def test_another_word_is_refused():
    """With those there are."""
    wrong: Any = 'exponential'
    with pytest.raises(ValueError, match="'both', 'native' or 'classic', not 'exponential'"):
        PrometheusSink(histograms=wrong)


def test_native_histograms_cannot_be_had_in_multiprocess_mode(tmp_path: Any):
    """Which is said where they are asked for, with the way out; by default they are classic there."""
    program = "from streamtap import PrometheusSink as P; P(); P(histograms='both'); P(histograms='native')"
    done = subprocess.run(
        [sys.executable, '-c', program],
        env={**os.environ, 'PROMETHEUS_MULTIPROC_DIR': str(tmp_path), 'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.stderr.splitlines()[-1].startswith('ValueError: in the multiprocess mode of prometheus_client')
    assert 'PrometheusSink' not in done.stderr.splitlines()[-1]
