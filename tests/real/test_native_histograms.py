"""Real Prometheus servers, 2 and 3, take the exposition by protobuf, and answer from native histograms."""

from __future__ import annotations

import contextlib
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, Counter, Summary

from streamtap import Distribution, PrometheusSink, Tap, serve
from streamtap._sinks.metrics.catalogue import BUCKETS
from support.made_records import full_response, give_everything, run
from support.prometheus_server import Prometheus, scraping
from support.required import SERVERS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from streamtap.typing import Histograms

pytestmark = pytest.mark.real

DURATION = 'pydantic_ai_run_duration_seconds'
GAPS = 'pydantic_ai_inter_chunk_latency_seconds'
QUANTILES = (0.5, 0.9, 0.95, 0.99)

only_3 = pytest.mark.parametrize('each_prometheus', [SERVERS], ids=['3'], indirect=True)


@dataclass(frozen=True)
class World:
    """A served sink, and the server that scrapes it."""

    sink: PrometheusSink
    prometheus: Prometheus


@contextlib.contextmanager
def world(
    program: str, folder: Path, *features: str, histograms: Histograms = 'both', **scrape: object
) -> Generator[World]:
    """A sink that has seen everything once, scraped."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry, histograms=histograms)
    tap = Tap([sink])
    Counter('own', 'A counter of the application.', ['x'], registry=registry).labels('1').inc(2)
    Summary('took', 'A summary of the application.', registry=registry).observe(3)
    with (
        serve(tap, port=0) as server,
        scraping(program, f'127.0.0.1:{server.port}', folder, features=features, **scrape) as prometheus,
    ):
        give_everything(sink)
        prometheus.scrape_now()
        yield World(sink, prometheus)


def exact(values: list[float], q: float) -> float:
    return sorted(values)[math.ceil(q * len(values)) - 1]


def test_quantiles_of_native_histograms_are_right(each_prometheus: str, tmp_path: Path):
    """Within 1.5 %: of runs, counted one by one, and of gaps, counted in the tap's own buckets."""
    rng = random.Random(5)
    durations = [rng.lognormvariate(0.5, 0.9) for _ in range(4000)]
    responses = [[rng.lognormvariate(-4, 0.7) for _ in range(60)] for _ in range(150)]
    gaps = [gap for response in responses for gap in response]
    with world(each_prometheus, tmp_path, 'native-histograms') as it:
        for duration in durations:
            it.sink.run_ended(run(duration=duration, agent='timed'))
        for each in responses:
            gaps_seen = {
                'inter_chunk_latencies': Distribution.of_values(each),
                'inter_chunk_latency_sum': sum(each),
                'max_inter_chunk_latency': max(each),
            }
            it.sink.response_ended(full_response(agent='timed', **gaps_seen))
        it.prometheus.scrape_now()
        for name, values in ((DURATION, durations), (GAPS, gaps)):
            answers = [
                it.prometheus.ask(f'histogram_quantile({q}, sum({name}{{agent="timed"}}))')[()] for q in QUANTILES
            ]
            assert answers == pytest.approx([exact(values, q) for q in QUANTILES], rel=0.015)


def test_the_rate_of_a_native_histogram_has_its_quantiles(each_prometheus: str, tmp_path: Path):
    """As boards ask for them: of what came within a window."""
    rng = random.Random(6)
    durations = [rng.lognormvariate(0.5, 0.9) for _ in range(4000)]
    with world(each_prometheus, tmp_path, 'native-histograms') as it:
        it.sink.run_ended(run(duration=400.0, agent='timed'))
        it.prometheus.scrape_now()
        for duration in durations:
            it.sink.run_ended(run(duration=duration, agent='timed'))
        it.prometheus.scrape_now()
        asked = f'histogram_quantile(0.95, sum(rate({DURATION}{{agent="timed"}}[5m])))'
        assert it.prometheus.ask(asked)[()] == pytest.approx(exact(durations, 0.95), rel=0.015)


@pytest.mark.parametrize('histograms', ['both', 'native'])
def test_a_server_that_takes_native_histograms_has_one_series_for_each(
    each_prometheus: str, tmp_path: Path, histograms: Histograms
):
    """And no classic series beside it, whatever is offered; an application's own metrics are what they were."""
    with world(each_prometheus, tmp_path, 'native-histograms', 'exemplar-storage', histograms=histograms) as it:
        ask = it.prometheus.ask
        series = {dict(labels)['__name__'] for labels in ask(f'{{__name__=~"{DURATION}.*|own.*|took.*"}}')}
        assert series == {'own_total', 'took_count', 'took_sum'}  # A native histogram is no number.
        assert ask(f'histogram_count(sum({DURATION}))') == {(): 1.0}
        assert ask(f'histogram_sum(sum({DURATION}))') == {(): 4.0}
        exemplars = it.prometheus.get('query_exemplars', query=DURATION, start='0', end='2000000000')
        assert [exemplar['value'] for found in exemplars for exemplar in found['exemplars']] == ['4']


def test_a_server_that_takes_none_has_the_classic_series(each_prometheus: str, tmp_path: Path):
    """It asks for text, as ever."""
    with world(each_prometheus, tmp_path) as it:
        assert it.prometheus.ask(f'count({DURATION}_bucket{{outcome="error"}})') == {(): len(BUCKETS['R']) + 1.0}
        assert it.prometheus.ask(f'sum({DURATION}_count)') == {(): 1.0}


@only_3
def test_the_first_count_is_not_lost(each_prometheus: str, tmp_path: Path):
    """Where the server takes times of creation: a series whose first sample is 1 has an increase of 1."""
    with world(each_prometheus, tmp_path, 'native-histograms', 'created-timestamp-zero-ingestion') as it:
        it.sink.run_ended(run(agent='once', outcome='error', error_type='KeyError'))
        it.prometheus.scrape_now()
        it.prometheus.scrape_now()
        errors = 'increase(pydantic_ai_run_errors_total{agent="once"}[1m])'
        runs = f'histogram_count(increase({DURATION}{{agent="once"}}[1m]))'
        assert [sum(it.prometheus.ask(query).values()) for query in (errors, runs)] == pytest.approx([1, 1], abs=0.3)


@only_3
def test_a_server_can_keep_both(each_prometheus: str, tmp_path: Path):
    """With `always_scrape_classic_histograms`, for boards that read classic series."""
    with world(each_prometheus, tmp_path, 'native-histograms', always_scrape_classic_histograms=True) as it:
        assert it.prometheus.ask(f'count({DURATION}_bucket{{outcome="error"}})') == {(): len(BUCKETS['R']) + 1.0}
        assert it.prometheus.ask(f'histogram_count(sum({DURATION}))') == {(): 1.0}
