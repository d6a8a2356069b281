"""The catalogue's counters and histograms on one Prometheus registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME, SCRAPED
from streamtap._sinks.metrics.instruments import Instruments
from streamtap._sinks.metrics.label_sets import label_names
from streamtap._sinks.prometheus.histogram import Histogram
from streamtap._sinks.prometheus.histogram_family import HistogramCollector
from streamtap._sinks.prometheus.reentrant_metrics import BulkHistogram, ReentrantCounter, ReentrantHistogram

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from prometheus_client import Counter
    from prometheus_client import Histogram as ClassicHistogram
    from prometheus_client.registry import CollectorRegistry

    from streamtap._records.records import ResponseRecord
    from streamtap._sinks.metrics.instruments import Record
    from streamtap._sinks.metrics.metric import Metric

    Child: TypeAlias = 'Counter | ClassicHistogram | Histogram'
    Collector: TypeAlias = 'Counter | ClassicHistogram | HistogramCollector'

Histograms = Literal['both', 'native', 'classic']
"""Which buckets histograms have."""

GAPS = 'pydantic_ai_inter_chunk_latency_seconds'

MAX_IDS = 128 - len('trace_id') - len('span_id')
"""How many characters an exemplar's ids can have: prometheus_client allows 128, including the label names."""


class PrometheusInstruments(Instruments['Child', dict[str, str]]):
    """Every counter and histogram of the catalogue on one registry.

    Two taps on one registry share them.

    Args:
        registry: Where they are registered.
        user_labels: Names of the user's own labels.
        buckets: The user's own bucket bounds, by metric name.
        histograms: Which buckets histograms have.
        exclude: Names of metrics to leave out.
        max_label_values: Distinct values per label.
        max_label_sets: Label sets per metric.

    Raises:
        ValueError: If the registry already has a collector with one of the names.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        user_labels: tuple[str, ...],
        buckets: Mapping[str, tuple[float, ...]],
        histograms: Histograms,
        exclude: frozenset[str],
        max_label_values: int,
        max_label_sets: int,
    ) -> None:
        metrics = [metric for metric in SCRAPED if metric.type != 'gauge' and metric.name not in exclude]
        super().__init__(metrics, user_labels, max_label_values=max_label_values, max_label_sets=max_label_sets)
        self._gap_bounds = buckets.get(GAPS) or BUCKETS[BY_NAME[GAPS].buckets or 'D']
        # The registry itself is not kept: these instruments live as long as it does, and must not keep it alive.
        self._collectors: dict[str, Collector] = {}
        try:
            for metric in metrics:
                bounds = buckets.get(metric.name) or BUCKETS[metric.buckets or 'D']
                self._collectors[metric.name] = _register(registry, metric, user_labels, bounds, histograms)
        except ValueError as error:
            for collector in self._collectors.values():
                registry.unregister(collector)
            raise ValueError(
                f'this Prometheus registry already has a collector with the name of a streamtap metric ({error}); pass '
                'another registry: PrometheusSink(registry=CollectorRegistry()), and serve that one'
            ) from None

    def origin(self, record: Record) -> dict[str, str] | None:
        """The exemplar; `None` where prometheus_client would refuse it."""
        trace_id, span_id = record.trace_id, record.span_id
        if trace_id is None or span_id is None or len(trace_id) + len(span_id) > MAX_IDS:
            return None
        return {'trace_id': trace_id, 'span_id': span_id}

    def add(self, name: str, values: tuple[str, ...], amount: float, origin: dict[str, str] | None = None) -> None:
        """Add to a counter."""
        # Not asked for its class: those of prometheus_client are protocols, and asking them takes longer than counting.
        if (child := self._child(name, values)) is not None:
            cast('Counter', child).inc(amount, origin)

    def observe(self, name: str, values: tuple[str, ...], value: float, origin: dict[str, str] | None = None) -> None:
        """Observe a value in a histogram."""
        if (child := self._child(name, values)) is not None:
            cast('ClassicHistogram | Histogram', child).observe(value, origin)

    def observe_gaps(
        self, values: tuple[str, ...], record: ResponseRecord, origin: dict[str, str] | None = None
    ) -> None:
        """Count all gaps in one step; the exemplar is on the largest of them."""
        child, gaps = self._child(GAPS, values), record.inter_chunk_latencies
        if gaps is None:
            return
        total, largest = record.inter_chunk_latency_sum or 0.0, record.max_inter_chunk_latency or 0.0
        if isinstance(child, Histogram):
            child.observe_distribution(gaps, total, largest, origin)
        elif isinstance(child, BulkHistogram):
            child.observe_counts(gaps.fold(self._gap_bounds), total)
            if origin is not None:
                child.set_exemplar(largest, origin)

    def _make(self, metric: Metric, values: tuple[str, ...]) -> Child:
        return self._collectors[metric.name].labels(*values)


def _register(
    registry: CollectorRegistry,
    metric: Metric,
    user_labels: tuple[str, ...],
    bounds: tuple[float, ...],
    histograms: Histograms,
) -> Collector:
    labels = label_names(metric, user_labels)
    if metric.type == 'counter':
        return ReentrantCounter(metric.name, metric.help, labels, registry=registry)
    if histograms == 'classic':
        kind = BulkHistogram if metric.name == GAPS else ReentrantHistogram
        return kind(metric.name, metric.help, labels, registry=registry, buckets=bounds)
    collector = HistogramCollector(metric.name, metric.help, labels, bounds if histograms == 'both' else ())
    registry.register(collector)
    return collector
