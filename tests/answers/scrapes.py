"""What Prometheus stores of each scrape of a team's processes, written into it at the simulated time."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from answers.remote_write import STALE, Buckets
from streamtap import PrometheusSink
from streamtap._sinks.prometheus.protobuf_exposition import exposition
from support.metric_families import families

if TYPE_CHECKING:
    from collections.abc import Iterable

    from answers.remote_write import RemoteWrite

    Labels = dict[str, str]
    Key = tuple[str, ...]


NOTHING = Buckets(0, 0.0, 4, 2.0**-128, 0, ())
"""A native histogram that has seen nothing."""


class _Scrapes(ABC):
    """Of a registry for each process.

    Args:
        server: Where to.
        every: Seconds between two scrapes.
    """

    def __init__(self, server: RemoteWrite, every: float) -> None:
        self.every = every
        self._server = server
        self._registries: dict[str, CollectorRegistry] = {}

    def began(self, moment: float, pod: str) -> PrometheusSink:
        """A process exposes its registry from now on."""
        del moment
        registry = self._registries[pod] = CollectorRegistry()
        return PrometheusSink(registry)

    def stored(self, moment: float, pod: str) -> None:
        """Scrape a process."""
        self._store(moment, pod, self._registries[pod])

    def ended(self, moment: float, pod: str) -> None:
        """A scrape finds that the process is gone."""
        del self._registries[pod]
        self._server.write(moment, [(labels, STALE) for labels in self._gone(pod)])

    @abstractmethod
    def _store(self, moment: float, pod: str, registry: CollectorRegistry) -> None:
        """Store what a registry exposes."""

    @abstractmethod
    def _gone(self, pod: str) -> Iterable[Labels]:
        """The series that a process had in its last scrape."""


class TextScrapes(_Scrapes):
    """As Prometheus stores the text formats: classic histograms, and no start of a series but its first sample.

    Args:
        server: Where to.
        every: Seconds between two scrapes.
    """

    def __init__(self, server: RemoteWrite, every: float) -> None:
        super().__init__(server, every)
        self._labels: dict[Key, Labels] = {}
        self._seen: dict[str, list[Key]] = {}

    def _store(self, moment: float, pod: str, registry: CollectorRegistry) -> None:
        samples: list[tuple[Labels, float]] = []
        keys: list[Key] = []
        for family in registry.collect():
            for sample in family.samples:
                if sample.name.endswith('_created'):
                    continue
                key = (pod, sample.name, *sample.labels.values())
                labels = self._labels.get(key)
                if labels is None:
                    own = {'__name__': sample.name, 'instance': pod, 'job': 'agents'}
                    labels = self._labels[key] = {**sample.labels, **own}
                samples.append((labels, sample.value))
                keys.append(key)
        self._seen[pod] = keys
        self._server.write(moment, samples)

    def _gone(self, pod: str) -> Iterable[Labels]:
        return [self._labels[key] for key in self._seen.pop(pod, [])]


class NativeScrapes(_Scrapes):
    """As a Prometheus stores protobuf that takes native histograms, and the created timestamps as the zeros they are.

    Args:
        server: Where to.
        every: Seconds between two scrapes.
    """

    def __init__(self, server: RemoteWrite, every: float) -> None:
        super().__init__(server, every)
        self._seen: dict[str, dict[Key, Labels]] = {}

    def _store(self, moment: float, pod: str, registry: CollectorRegistry) -> None:
        seen = self._seen.setdefault(pod, {})
        samples: list[tuple[Labels, float | Buckets]] = []
        began: dict[float, list[tuple[Labels, float | Buckets]]] = {}
        for family in families(exposition(registry)):
            for metric in family['metric']:
                found = _value(metric)
                if found is None:
                    continue
                value, created = found
                own: Labels = metric['labels']
                key = (family['name'], *own.values())
                labels = seen.get(key)
                if labels is None:
                    labels = seen[key] = {**own, '__name__': family['name'], 'instance': pod, 'job': 'agents'}
                    if created is not None:
                        zero = NOTHING if isinstance(value, Buckets) else 0.0
                        began.setdefault(created, []).append((labels, zero))
                samples.append((labels, value))
        for created in sorted(began):
            self._server.write(created, began[created])
        self._server.write(moment, samples)

    def _gone(self, pod: str) -> Iterable[Labels]:
        return self._seen.pop(pod, {}).values()


def _value(metric: dict[str, Any]) -> tuple[float | Buckets, float | None] | None:
    """The value of a metric, and when it was created; `None` for a classic histogram, of which nothing is stored."""
    if 'counter' in metric:
        return metric['counter']['value'], metric['counter'].get('created_timestamp')
    if 'gauge' in metric:
        return metric['gauge']['value'], None
    histogram = metric.get('histogram')
    if histogram is None or 'zero_threshold' not in histogram:
        return None
    counts: list[tuple[int, int]] = []
    differences: list[int] = histogram.get('positive_delta', [])
    spans: list[dict[str, int]] = histogram.get('positive_span', [])
    number, deltas = 0, itertools.accumulate(differences)
    for span in spans:
        number += span.get('offset', 0)
        for _ in range(span.get('length', 0)):
            counts.append((number, next(deltas)))
            number += 1
    value = Buckets(
        histogram['sample_count'],
        histogram['sample_sum'],
        histogram['schema'],
        histogram['zero_threshold'],
        histogram['zero_count'],
        counts,
    )
    return value, histogram.get('created_timestamp')
