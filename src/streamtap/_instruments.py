"""The catalogue's counters and histograms on one Prometheus registry, with their caps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from streamtap._bulk_histogram import BulkHistogram
from streamtap._catalogue import BUCKETS, BY_NAME, CATALOGUE, FIXED_LABELS, OUTCOMES
from streamtap._labels import OTHER, LabelCap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from prometheus_client.registry import Collector, CollectorRegistry

    from streamtap._catalogue import Metric

BULK = 'pydantic_ai_inter_chunk_latency_seconds'


class Instrument:
    """One counter or histogram: values in, the right child found or made, caps kept.

    Args:
        metric: Its row of the catalogue.
        collector: The instrument of prometheus_client; `None` if the user excluded it.
        user_labels: Names of the user's own labels, which follow the metric's.
        cap: Caps the values of labels.
        max_label_sets: Label sets before new ones become `_other`.
    """

    def __init__(
        self,
        metric: Metric,
        collector: Counter | Histogram | None,
        user_labels: tuple[str, ...],
        cap: LabelCap,
        max_label_sets: int,
        overflowed: Counter | None,
    ) -> None:
        self._collector = collector
        self._names = (*metric.labels, *(user_labels if metric.is_about_runs else ()))
        self._cap = cap
        self._max = max_label_sets
        self._overflowed = overflowed
        self._children: dict[tuple[str, ...], Counter | Histogram] = {}
        self._lock = threading.Lock()
        self._outcomes = OUTCOMES.get(metric.name, ())

    def add(self, values: tuple[str, ...], amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        """Add to a counter; the exemplar leads to the trace behind it."""
        child = self._child(values)
        if isinstance(child, Counter):
            child.inc(amount, exemplar)

    def observe(self, values: tuple[str, ...], value: float, exemplar: dict[str, str] | None = None) -> None:
        """Observe a value in a histogram; the exemplar leads to the trace behind it."""
        child = self._child(values)
        if isinstance(child, Histogram):
            child.observe(value, exemplar)

    def observe_counts(
        self,
        values: tuple[str, ...],
        counts: Sequence[int],
        total: float,
        largest: float,
        exemplar: dict[str, str] | None = None,
    ) -> None:
        """Observe many values at once, bucketed already; the exemplar is on the largest of them."""
        child = self._child(values)
        if isinstance(child, BulkHistogram):
            child.observe_counts(counts, total)
            if exemplar is not None:
                child.set_exemplar(largest, exemplar)

    def declare(self, values: tuple[str, ...]) -> None:
        """Make the series be there, at 0."""
        self._child(values)

    def _child(self, values: tuple[str, ...]) -> Counter | Histogram | None:
        if self._collector is None:
            return None
        child = self._children.get(values)
        return child if child is not None else self._make(values)

    def _make(self, values: tuple[str, ...]) -> Counter | Histogram | None:
        if self._collector is None:
            return None
        with self._lock:
            capped = tuple(
                value if name in FIXED_LABELS else self._cap(name, value)
                for name, value in zip(self._names, values, strict=True)
            )
            if capped not in self._children and len(self._children) >= self._max:
                capped = tuple(
                    value if name in FIXED_LABELS else OTHER for name, value in zip(self._names, capped, strict=True)
                )
                if self._overflowed is not None:
                    self._overflowed.labels('label_sets').inc()
            # Only capped values become keys: what a caller invents must not grow this table either.
            for key in self._with_siblings(capped):
                if key not in self._children:
                    self._children[key] = self._collector.labels(*key)
            return self._children[capped]

    def _with_siblings(self, values: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
        """The label set itself, and for counters that start at 0 the same for every other outcome."""
        yield values
        if self._outcomes:
            place = self._names.index('outcome')
            for outcome in self._outcomes:
                yield (*values[:place], outcome, *values[place + 1 :])


class Instruments:
    """Every counter and histogram of the catalogue on one registry.

    Two taps on one registry share them.

    Args:
        registry: Where they are registered.
        user_labels: Names of the user's own labels.
        buckets: The user's own bucket bounds, by metric name.
        exclude: Names of metrics to leave out.
        max_label_values: Distinct values per label.
        max_label_sets: Label sets per metric.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        user_labels: tuple[str, ...],
        buckets: Mapping[str, tuple[float, ...]],
        exclude: frozenset[str],
        max_label_values: int,
        max_label_sets: int,
    ) -> None:
        self.user_labels = user_labels
        self._buckets = buckets
        # Not the registry itself: it is the key under which these are kept, and must be free to go.
        self._registered: list[Collector] = []
        overflow_name = 'streamtap_label_overflow_total'
        try:
            overflow = None if overflow_name in exclude else self._register(registry, BY_NAME[overflow_name])
            counter = overflow if isinstance(overflow, Counter) else None
            self.cap = LabelCap(
                max_label_values, lambda label: None if counter is None else counter.labels(label).inc()
            )
            self._by_name = {
                metric.name: Instrument(
                    metric,
                    None if metric.name in exclude else self._register(registry, metric),
                    user_labels,
                    self.cap,
                    max_label_sets,
                    counter,
                )
                for metric in CATALOGUE
                if metric.type != 'gauge' and metric.name != overflow_name
            }
        except ValueError as error:
            for collector in self._registered:
                registry.unregister(collector)
            raise ValueError(
                f'this Prometheus registry already holds a collector with a name of streamtap ({error}); pass another '
                'registry: PrometheusSink(registry=CollectorRegistry()), and serve that one'
            ) from None

    def __getitem__(self, name: str) -> Instrument:
        return self._by_name[name]

    def bounds(self, name: str) -> tuple[float, ...]:
        """The bucket bounds of a histogram."""
        return self._buckets.get(name) or BUCKETS[BY_NAME[name].buckets or 'D']

    def _register(self, registry: CollectorRegistry, metric: Metric) -> Counter | Histogram:
        labels = (*metric.labels, *(self.user_labels if metric.is_about_runs else ()))
        if metric.type == 'counter':
            made: Counter | Histogram = Counter(metric.name, metric.help, labels, registry=registry)
        else:
            kind = BulkHistogram if metric.name == BULK else Histogram
            bounds = self.bounds(metric.name)
            made = kind(metric.name, metric.help, labels, registry=registry, buckets=bounds)
        self._registered.append(made)
        return made
