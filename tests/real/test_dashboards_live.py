"""The boards over real servers: each has an answer to everything that they ask, scraped as pushed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from streamtap import Objective, OTelMetricSink, Tap
from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.export import write
from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._demo.fault import Fault
from streamtap._demo.run import STALL_AFTER, drive
from streamtap._demo.scenario import fake_loads
from support.board_answers import WINDOW, Server, unanswered
from support.boards import FILES, asked
from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from support.victoria_server import VictoriaMetrics

NOT_PUSHED = r'\w+: (?:\$job|\$instance|Processes that report: up\{.*)'
"""Prometheus itself makes `up`; job and instance are of the scrape, and their variables stay at All."""

NOT_WRONG = r'health: (?:Which tool is called in a loop|Who buys tokens again|Which agent is it)\?: .*(?:repeated_tool|cache_).*'
"""Columns of what the demo's agents do only if they are told to, or seldom: calls in loops, tokens that a cache had."""


@pytest.fixture(scope='module')
def collected(oteltap: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[int, Path]]:
    """The port of a collector of traces, and the file that gets its spans."""
    port, spans = free_port(), tmp_path_factory.mktemp('collector') / 'spans'
    with running([sys.executable, '-m', oteltap, '--port', str(port)], port, spans):
        yield port, spans


@pytest.fixture(scope='module')
def demo(collected: tuple[int, Path]) -> Generator[str]:
    """Host and port of a demo that exports its traces."""
    env = {**os.environ, 'OTEL_EXPORTER_OTLP_ENDPOINT': f'http://127.0.0.1:{collected[0]}', 'NO_PROXY': '127.0.0.1'}
    command = [sys.executable, '-m', 'streamtap', 'demo', '--port', '0']
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env) as process:
        assert process.stdout is not None
        found = re.search(r'http://(127\.0\.0\.1:\d+)/metrics', process.stdout.readline())
        assert found is not None
        yield found[1]
        process.kill()


@pytest.fixture(scope='module')
def scraping(prometheus: str, demo: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A Prometheus that scrapes the demo and keeps exemplars."""
    folder, port = tmp_path_factory.mktemp('prometheus'), free_port()
    scrape = {'job_name': 'demo', 'static_configs': [{'targets': [demo]}]}
    config = folder / 'prometheus.yml'
    config.write_text(yaml.safe_dump({'global': {'scrape_interval': '1s'}, 'scrape_configs': [scrape]}), 'utf-8')
    command = [
        prometheus,
        f'--config.file={config}',
        f'--storage.tsdb.path={folder / "series"}',
        f'--web.listen-address=127.0.0.1:{port}',
        '--enable-feature=exemplar-storage',
    ]
    with running(command, port, folder / 'log'):
        yield Server(f'http://127.0.0.1:{port}')


@pytest.mark.timeout(120)
def test_prometheus_answers_every_query_within_a_minute(scraping: Server):
    """Of every panel and every variable of every board."""
    missing = unanswered(scraping, seconds=60, but=re.compile(NOT_WRONG))
    assert [name for name in missing if not re.fullmatch(NOT_WRONG, name)] == []


def test_exemplars_on_latency_panels_lead_to_collected_traces(scraping: Server, collected: tuple[int, Path]):
    """For each query of percentiles Prometheus has exemplars, and the traces of them reach the collector."""
    queries = [each for path in FILES for each in asked(path, WINDOW) if 'histogram_quantile' in each.expr]
    # How late a loop comes belongs to no trace.
    queries = [each for each in queries if 'streamtap_event_loop_lag' not in each.expr]

    def dots(expr: str) -> set[str]:
        now = scraping.get('query', query='time()')['result'][0]
        found = scraping.get('query_exemplars', query=expr, start=str(float(now) - 60), end=str(float(now)))
        return {dot['labels']['trace_id'] for series in found for dot in series['exemplars']}

    def traces() -> set[str]:
        lines = collected[1].read_text(encoding='utf-8').splitlines()
        return {json.loads(line)['traceId'] for line in lines if line.startswith('{') and line.endswith('}')}

    assert queries
    for each in queries:
        # The demo sends its spans every five seconds.
        wait_for(lambda expr=each.expr: dots(expr) & traces() or None, f'a trace of {each}')


@pytest.mark.timeout(120)
def test_what_is_pushed_answers_the_same_boards(victoria_metrics: VictoriaMetrics, tmp_path: Path):
    """By OTLP, but for what only a scrape can know; to a server that knows classic histograms only."""
    write(grafana_files(replace(CONFIG, histograms='classic')), tmp_path)
    files = sorted((tmp_path / 'grafana').iterdir())
    exporter = OTLPMetricExporter(victoria_metrics.otlp)
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1000)
    resource = Resource.create({'service.name': 'demo', 'service.instance.id': 'here'})
    provider = MeterProvider([reader], resource=resource)
    tap = Tap(
        [OTelMetricSink(provider)],
        objective=Objective(first_output=6.0),
        stall_after=STALL_AFTER,
        slow_start_after=1.5,
        loop_lag_every=0.1,
    )
    missing: list[str] = []

    async def ask() -> None:
        server = Server(victoria_metrics.url)
        but = re.compile(f'{NOT_PUSHED}|{NOT_WRONG}')
        missing.extend(await asyncio.to_thread(unanswered, server, seconds=60, files=files, but=but))

    asyncio.run(drive(fake_loads(tap, Fault()), ask, lambda _agent, _error: None))
    provider.shutdown()
    missing = [name for name in missing if not re.fullmatch(NOT_WRONG, name)]
    assert [name for name in missing if not re.fullmatch(NOT_PUSHED, name)] == []
    assert len(missing) == 3 * len(FILES)
