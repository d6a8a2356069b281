"""A job that ends before anybody scrapes it: it pushes what it counted."""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, cast

import pytest
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from prometheus_client import CollectorRegistry, push_to_gateway  # pyright: ignore[reportUnknownVariableType]
from prometheus_client.parser import text_string_to_metric_families

from streamtap import OTelMetricSink, PrometheusSink, Tap
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 'pydantic_ai_runs_total'


class Gateway(HTTPServer):
    """Keeps what was pushed, by path."""

    def __init__(self) -> None:
        self.pushed: dict[str, bytes] = {}
        super().__init__(('127.0.0.1', 0), _Handler)
        self.url = f'http://127.0.0.1:{self.server_port}'


class _Handler(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        cast('Gateway', self.server).pushed[self.path] = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.end_headers()

    do_POST = do_PUT  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the base class)
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway on loopback."""
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_closed_tap_has_pushed_everything_to_a_gateway(gateway: Gateway, registry: CollectorRegistry):
    """Also the run of a handler, whose end nobody tells; and its gauges are 0."""
    with Tap([PrometheusSink(registry)]) as tap:
        asyncio.run(agent(['hi']).run('hello', event_stream_handler=tap))
    push_to_gateway(gateway.url, job='nightly', registry=registry)
    text = gateway.pushed['/metrics/job/nightly'].decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert sum(sample.value for sample in samples if sample.name == RUNS) == 1
    assert [sample.value for sample in samples if sample.name == 'pydantic_ai_runs_in_progress'] == [0]


def test_a_flushed_provider_has_sent_everything_by_otlp(gateway: Gateway):
    """However long its interval is."""
    exporter = OTLPMetricExporter(f'{gateway.url}/v1/metrics')
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 3_600_000)], shutdown_on_exit=False)
    with Tap([OTelMetricSink(provider)]) as tap:
        asyncio.run(agent(['hi']).run('hello', event_stream_handler=tap))
    assert provider.force_flush()
    assert b'pydantic_ai.runs' in gateway.pushed['/v1/metrics']
    provider.shutdown()
