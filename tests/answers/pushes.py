"""A team's processes push their metrics by OTLP: the SDK's own provider and exporter, at the simulated times."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    Metric,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.resources import Resource

from streamtap import OTelMetricSink
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE = ROOT / 'docs' / 'native-histograms.md'


def one_line(page: Path = PAGE) -> dict[str, str]:
    """The line of the documentation that makes every histogram exponential, as an environment.

    Args:
        page: The page that has it.

    Raises:
        ValueError: If the page has no such line, or more than one.
    """
    lines = re.findall(r'^```sh\n(\w+)=(\w+)\n```$', page.read_text(encoding='utf-8'), re.MULTILINE)
    if len(lines) != 1:
        raise ValueError(f'{page} should have one line for the environment, and has {len(lines)}')
    return dict(lines)


@dataclass
class _Process:
    began: float
    provider: MeterProvider
    exporter: _Exporter


class Pushes:
    """Once a minute, as the SDK does unless told otherwise.

    Args:
        receiver: The address that takes OTLP.
        environment: What is set for the exporter.
    """

    every = 60.0

    def __init__(self, receiver: str, environment: Mapping[str, str]) -> None:
        self._receiver = receiver
        self._environment = environment
        self._processes: dict[str, _Process] = {}

    def began(self, moment: float, pod: str) -> OTelMetricSink:
        """A process has a provider from now on."""
        with patch.dict(os.environ, self._environment):
            exporter = _Exporter(self._receiver)
        # Nothing is pushed but when it is asked for.
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float('inf'))
        resource = Resource({'service.name': 'agents', 'service.instance.id': pod})
        provider = MeterProvider([reader], resource, shutdown_on_exit=False)
        self._processes[pod] = _Process(moment, provider, exporter)
        return OTelMetricSink(provider)

    def stored(self, moment: float, pod: str) -> None:
        """Push what a process has measured by now.

        Raises:
            RuntimeError: If the receiver does not take it.
        """
        process = self._processes[pod]
        process.exporter.times = process.began, moment
        process.provider.force_flush()
        if process.exporter.result is not MetricExportResult.SUCCESS:
            raise RuntimeError(f'{self._receiver} did not take what {pod} pushed')

    def ended(self, moment: float, pod: str) -> None:
        """A process that ends pushes once more."""
        self.stored(moment, pod)
        self._processes.pop(pod).provider.shutdown()


class _Exporter(OTLPMetricExporter):
    """The SDK's exporter, but for the times, which the SDK takes from the machine's clock."""

    times = 0.0, 0.0
    result = MetricExportResult.FAILURE

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **_: object
    ) -> MetricExportResult:
        began, moment = (round(seconds * 1e9) for seconds in self.times)

        def metric(each: Metric) -> Metric:
            points = [
                replace(point, start_time_unix_nano=began, time_unix_nano=moment) for point in each.data.data_points
            ]
            return replace(each, data=replace(each.data, data_points=points))

        def scope(each: ScopeMetrics) -> ScopeMetrics:
            return replace(each, metrics=[metric(found) for found in each.metrics])

        def resource(each: ResourceMetrics) -> ResourceMetrics:
            return replace(each, scope_metrics=[scope(found) for found in each.scope_metrics])

        moved = MetricsData([resource(each) for each in metrics_data.resource_metrics])
        self.result = super().export(moved, timeout_millis)  # pyright: ignore[reportUnknownMemberType]
        return self.result
