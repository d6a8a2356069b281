"""Whether what was measured can be exported: scraped and read again, encoded as OTLP, written as JSON, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from streamtap import OTelMetricSink, OTelSpanSink, PrometheusSink, UsageSink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.sdk.trace import ReadableSpan
    from prometheus_client import Metric

LABEL_SETS = 40
"""The most that a metric may have here, so that its cap is reached."""

_ISOLATES = str.maketrans('', '', '\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}')


class Exports:
    """All sinks of the tap, and where they export to."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics = InMemoryMetricReader()
        self._meters = MeterProvider([self._metrics], shutdown_on_exit=False)
        self._spans = InMemorySpanExporter()
        self._tracers = TracerProvider(shutdown_on_exit=False)
        self._tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.usage = UsageSink()
        self.prometheus = PrometheusSink(self.registry, max_label_sets=LABEL_SETS)
        self.otel = OTelMetricSink(self._meters, semconv='latest')
        self.spans = OTelSpanSink(self._tracers)
        self.sinks = (self.prometheus, self.otel, self.spans, self.usage)

    def check(self) -> None:
        """Export everything, in every way; whatever cannot be exported raises."""
        for family in self.families():
            sets = {tuple(sorted(s.labels.items())) for s in family.samples if not s.name.endswith('_bucket')}
            # A label set comes with those of its other outcomes.
            assert len(sets) <= 8 * LABEL_SETS, f'{family.name} has {len(sets)} label sets'
        collected = self._metrics.get_metrics_data()
        if collected is not None:
            encode_metrics(collected).SerializeToString()
        encode_spans(self.finished()).SerializeToString()
        summary = self.usage.summary()
        summary.model_dump_json()
        shown = str(summary)
        shown.encode()
        # What isolates a name that is written from right to left is not printed, and belongs there.
        assert all(line.isprintable() for line in shown.translate(_ISOLATES).split('\n'))

    def families(self) -> Iterator[Metric]:
        """What a scraper reads, in both formats."""
        yield from text_string_to_metric_families(generate_latest(self.registry).decode())
        text = cast('bytes', openmetrics.generate_latest(self.registry))  # pyright: ignore[reportUnknownMemberType]
        yield from openmetrics_parser.text_string_to_metric_families(text.decode())  # pyright: ignore[reportUnknownMemberType]

    def finished(self) -> tuple[ReadableSpan, ...]:
        """The spans that were exported."""
        return self._spans.get_finished_spans()
