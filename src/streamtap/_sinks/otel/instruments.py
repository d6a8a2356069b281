"""The catalogue's metrics as OpenTelemetry instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram, Observation
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME, PUSHED
from streamtap._sinks.metrics.instruments import Instruments
from streamtap._sinks.metrics.label_sets import label_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from streamtap._records.records import ResponseRecord
    from streamtap._sinks.metrics.gauges import OpenGauges
    from streamtap._sinks.metrics.instruments import Record
    from streamtap._sinks.metrics.metric import Metric

MEAN_GAP = 'pydantic_ai_inter_chunk_latency_mean_seconds'
MAX_GAP = 'pydantic_ai_inter_chunk_latency_max_seconds'

NO_TRACE = trace.set_span_in_context(trace.INVALID_SPAN, Context())
"""The context of records without a span. An empty one would not do: the SDK would use the current span instead."""


class OTelInstruments(Instruments[dict[str, str], Context]):
    """Every counter and histogram of the catalogue on one meter; the child for a label set is its attributes.

    Args:
        meter: Creates them.
        user_labels: Names of the user's own labels.
        max_label_values: Distinct values per label.
        max_label_sets: Label sets per metric.
    """

    def __init__(
        self, meter: Meter, *, user_labels: tuple[str, ...], max_label_values: int, max_label_sets: int
    ) -> None:
        metrics = [metric for metric in PUSHED if metric.type != 'gauge']
        super().__init__(metrics, user_labels, max_label_values=max_label_values, max_label_sets=max_label_sets)
        self._names = {metric.name: label_names(metric, user_labels) for metric in metrics}
        self._instruments = {metric.name: _instrument(meter, metric) for metric in metrics}

    def _max_label_sets(self, metric: Metric, limit: int) -> int:
        """The SDK counts each outcome."""
        return limit

    def origin(self, record: Record) -> Context | None:
        """A context in which the record's span is current, so that the SDK's exemplars point at it."""
        return context_of(record)

    def add(self, name: str, values: tuple[str, ...], amount: float, origin: Context | None = None) -> None:
        """Add to a counter."""
        attributes = self._child(name, values)
        instrument = self._instruments.get(name)
        if isinstance(instrument, Counter):
            instrument.add(amount, attributes, origin or NO_TRACE)

    def observe(self, name: str, values: tuple[str, ...], value: float, origin: Context | None = None) -> None:
        """Observe a value in a histogram."""
        attributes = self._child(name, values)
        instrument = self._instruments.get(name)
        if isinstance(instrument, Histogram):
            instrument.record(value, attributes, origin or NO_TRACE)

    def observe_gaps(self, values: tuple[str, ...], record: ResponseRecord, origin: Context | None = None) -> None:
        """Observe the mean and the longest gap: OpenTelemetry takes no bucket counts, and each gap would cost 17 us."""
        gaps = record.inter_chunk_latencies
        if gaps is not None and gaps.total:
            self.observe(MEAN_GAP, values, (record.inter_chunk_latency_sum or 0.0) / gaps.total, origin)
            self.observe(MAX_GAP, values, record.max_inter_chunk_latency or 0.0, origin)

    def _make(self, metric: Metric, values: tuple[str, ...]) -> dict[str, str]:
        attributes = dict(zip(self._names[metric.name], values, strict=True))
        instrument = self._instruments[metric.name]
        if isinstance(instrument, Counter):
            instrument.add(0, attributes, NO_TRACE)
        return attributes


def make_gauges(meter: Meter, gauges: OpenGauges) -> None:
    """Create the gauges of what is open, observed whenever metrics are collected.

    Args:
        meter: Creates them.
        gauges: Computes their values.
    """
    for name in gauges.names:
        metric = BY_NAME[name]
        meter.create_observable_gauge(metric.otel_name, [_reader(gauges, name)], metric.otel_unit, metric.help)


def context_of(record: Record) -> Context | None:
    """A context in which the span of a record is current; `None` if it has no sampled span."""
    if record.trace_id is None or record.span_id is None:
        return None
    try:
        ids = int(record.trace_id, 16), int(record.span_id, 16)
    except ValueError:
        return None
    span = NonRecordingSpan(SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)))
    return trace.set_span_in_context(span, Context())


def _instrument(meter: Meter, metric: Metric) -> Counter | Histogram:
    if metric.type == 'counter':
        return meter.create_counter(metric.otel_name, metric.otel_unit, metric.help)
    return meter.create_histogram(
        metric.otel_name,
        metric.otel_unit,
        metric.help,
        explicit_bucket_boundaries_advisory=[float(bound) for bound in BUCKETS[metric.buckets or 'D']],
    )


def _reader(gauges: OpenGauges, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
    names = gauges.label_names(name)

    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [
            Observation(value, dict(zip(names, values, strict=True))) for values, value in gauges.rows()[name].items()
        ]

    return read
