"""Takes OTLP for a Prometheus that cannot: Debian builds it without its own receiver.

What it stores is what the rules of OpenTelemetry for Prometheus say
(https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/), as far as the sink's metrics need
them; anything else is refused.
"""

from __future__ import annotations

import contextlib
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE

from answers.remote_write import Buckets

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint, Metric, NumberDataPoint

    from answers.remote_write import RemoteWrite

    Labels = dict[str, str]
    Sample = tuple[int, Labels, float | Buckets]

FINEST = 8
"""The highest resolution of Prometheus; OpenTelemetry goes up to 20."""

ZERO = 1e-128
"""The width of the zero bucket where the sender gives none."""

UNITS = {'s': 'seconds', '/s': 'per_second'}
"""What names get for a unit."""


@contextlib.contextmanager
def receiving(server: RemoteWrite) -> Generator[str]:
    """A receiver on loopback until the end of the block.

    Args:
        server: Where what it takes is stored.

    Yields:
        Its address.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length']))
            by_time: dict[int, list[tuple[Labels, float | Buckets]]] = {}
            for time, labels, value in samples(ExportMetricsServiceRequest.FromString(body)):
                by_time.setdefault(time, []).append((labels, value))
            for time, found in sorted(by_time.items()):
                server.write(time / 1e9, found)
            answer = ExportMetricsServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header('Content-Type', 'application/x-protobuf')
            self.send_header('Content-Length', str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
        thread.start()
        yield f'http://127.0.0.1:{receiver.server_port}/v1/metrics'
        receiver.shutdown()
        thread.join()


def samples(request: ExportMetricsServiceRequest) -> Iterator[Sample]:
    """The samples of a push: the time in nanoseconds, the labels with `__name__`, and the value.

    Args:
        request: What was pushed.

    Raises:
        ValueError: If there is something that the sink does not push.
    """
    for resource in request.resource_metrics:
        known = _labels(resource.resource.attributes)
        target = {'job': known['service_name'], 'instance': known['service_instance_id']}
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                name = prometheus_name(metric)
                for point, value in _points(metric):
                    yield point.time_unix_nano, {**_labels(point.attributes), **target, '__name__': name}, value


def prometheus_name(metric: Metric) -> str:
    """The name of a metric in Prometheus.

    Args:
        metric: The metric as it was pushed.

    Raises:
        ValueError: If its unit is not one of the sink's.
    """
    words = [word for word in re.split(r'[^a-zA-Z0-9]+', metric.name) if word]
    unit = re.sub(r'\{[^}]*\}', '', metric.unit)
    if unit and unit not in UNITS:
        raise ValueError(f'{metric.name} has an unknown unit: {metric.unit}')
    suffixes = [*UNITS.get(unit, '').split('_'), 'total' if metric.sum.is_monotonic else '']
    return '_'.join([*words, *(suffix for suffix in suffixes if suffix and suffix not in words)])


def _points(metric: Metric) -> Iterator[tuple[NumberDataPoint | ExponentialHistogramDataPoint, float | Buckets]]:
    kind = metric.WhichOneof('data')
    if kind == 'gauge':
        yield from ((point, _number(point)) for point in metric.gauge.data_points)
    elif kind == 'sum' and metric.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE:
        yield from ((point, _number(point)) for point in metric.sum.data_points)
    elif (
        kind == 'exponential_histogram'
        and metric.exponential_histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
    ):
        yield from ((point, _buckets(point)) for point in metric.exponential_histogram.data_points)
    else:
        raise ValueError(f'{metric.name} is no cumulative exponential histogram, sum or gauge')


def _number(point: NumberDataPoint) -> float:
    return float(point.as_int if point.WhichOneof('value') == 'as_int' else point.as_double)


def _buckets(point: ExponentialHistogramDataPoint) -> Buckets:
    """In OpenTelemetry a bucket's number is that of its lower bound, in Prometheus that of its upper one."""
    finer = max(0, point.scale - FINEST)
    counts: dict[int, int] = {}
    for number, count in enumerate(point.positive.bucket_counts, point.positive.offset):
        if count:
            merged = (number >> finer) + 1
            counts[merged] = counts.get(merged, 0) + count
    return Buckets(
        point.count,
        point.sum,
        point.scale - finer,
        point.zero_threshold or ZERO,
        point.zero_count,
        sorted(counts.items()),
    )


def _labels(attributes: Iterable[KeyValue]) -> Labels:
    return {re.sub(r'\W', '_', each.key): each.value.string_value for each in attributes}
