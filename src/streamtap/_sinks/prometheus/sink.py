"""The Prometheus sink: the metric catalogue on a registry that is scraped."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, get_args

from prometheus_client import REGISTRY
from prometheus_client.registry import CollectorRegistry

from streamtap._base.checks import check_whole
from streamtap._sinks.metrics.catalogue import SCRAPED
from streamtap._sinks.metrics.exposition import Exposition, Shape, exposition_on
from streamtap._sinks.metrics.gauges import OpenGauges
from streamtap._sinks.metrics.sink import CatalogueSink
from streamtap._sinks.prometheus.gauges import OpenGaugesCollector, WrittenGauges
from streamtap._sinks.prometheus.instruments import Histograms, PrometheusInstruments
from streamtap._sinks.prometheus.multiprocess import check_directory, is_multiprocess, liveness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._delivery.sink import Attachment


class PrometheusSink(CatalogueSink):
    """Records the metric catalogue in a Prometheus registry.

    An application that already exposes that registry needs nothing more; otherwise see `serve` and `metrics_app`.
    Two taps on one registry share the metrics; a run that both measure is counted once.

    Args:
        registry: Where the metrics are registered; prometheus_client's default registry if not given.
        buckets: Your own bucket bounds (finite and increasing), by metric name.
        histograms: Which buckets histograms have: `'classic'` ones, which every scraper sees; `'native'` ones, which
            a Prometheus that asks for protobuf sees as one series with quantiles within 1.5 % (others see sum and
            count only); or (the default) `'both'`. In prometheus_client's multiprocess mode they are always classic,
            as its files hold nothing else.
        labels: Which of the tap's own labels the metrics have. Default `None`: all of them. Leave out those with many
            values, such as a tenant: summary, journal and live page have them all the same.
        exclude: Names of metrics to leave out.
        max_label_sets: How many label sets a metric can have before new ones become `_other`. Default 2000.

    Raises:
        TypeError: If `registry` is not a `CollectorRegistry`, or `labels` or `exclude` is a string.
        ValueError: If a metric's name is unknown, bounds are not finite and increasing, `histograms` is none of
            the three or `'native'` in multiprocess mode, `max_label_sets` is below 1,
            `PROMETHEUS_MULTIPROC_DIR` is not a directory, or (when a tap takes the sink) the registry already has a
            collector with one of the names, or the tap has not all of `labels`.
    """

    def __init__(
        self,
        registry: CollectorRegistry = REGISTRY,
        *,
        buckets: Mapping[str, Sequence[float]] | None = None,
        histograms: Histograms = 'both',
        labels: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        max_label_sets: int = 2000,
    ) -> None:
        super().__init__(labels)
        if not isinstance(registry, CollectorRegistry):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f'registry must be a prometheus_client CollectorRegistry, not {registry!r}')
        if isinstance(exclude, str):
            raise TypeError(f'exclude must be a collection of metric names, for instance exclude=[{exclude!r}]')
        self._exclude = frozenset(exclude)
        self._buckets = {name: _checked_bounds(name, bounds) for name, bounds in (buckets or {}).items()}
        unknown = sorted(self._exclude - {metric.name for metric in SCRAPED})
        if unknown:
            raise ValueError(f'exclude contains names that are not streamtap metrics: {", ".join(unknown)}')
        check_whole('max_label_sets', max_label_sets)
        if histograms not in get_args(Histograms):
            raise ValueError(f"histograms must be 'both', 'native' or 'classic', not {histograms!r}")
        check_directory()
        if is_multiprocess():
            liveness().show()
        if is_multiprocess() and histograms == 'native':
            raise ValueError(
                'in the multiprocess mode of prometheus_client (PROMETHEUS_MULTIPROC_DIR) histograms are classic, as its '
                "files hold nothing else: leave histograms='native' out, or send OTLP with OTelMetricSink()"
            )
        self._histograms: Histograms = 'classic' if is_multiprocess() else histograms
        self._registry = registry
        self._max_label_sets = max_label_sets

    @property
    def registry(self) -> CollectorRegistry:
        """Where the metrics are registered."""
        return self._registry

    def _expose(self, attachment: Attachment) -> Exposition:
        labels = self._labels_of(attachment)
        shape = Shape(labels, tuple(sorted(self._buckets.items())), self._exclude, self._histograms)

        def make() -> Exposition:
            instruments = PrometheusInstruments(
                self._registry,
                user_labels=labels,
                buckets=self._buckets,
                histograms=self._histograms,
                exclude=self._exclude,
                max_label_values=attachment.max_label_values,
                max_label_sets=self._max_label_sets,
            )
            kind = WrittenGauges if is_multiprocess() else OpenGauges
            gauges = kind(
                user_labels=labels,
                cap=instruments.cap,
                max_label_sets=self._max_label_sets,
                exclude=self._exclude,
                service_version=attachment.service_version,
                pydantic_ai_version=attachment.pydantic_ai_version,
            )
            if isinstance(gauges, WrittenGauges):
                gauges.begin()
            else:
                self._registry.register(OpenGaugesCollector(gauges))
            return Exposition(shape, instruments, gauges)

        return exposition_on(self._registry, shape, make)


def _checked_bounds(name: str, bounds: Sequence[float]) -> tuple[float, ...]:
    if name not in {metric.name for metric in SCRAPED if metric.type == 'histogram'}:
        raise ValueError(f'buckets contains a name that is not a streamtap histogram: {name!r}')
    checked = tuple(float(bound) for bound in bounds)
    if (
        not checked
        or not all(map(math.isfinite, checked))
        or any(low >= high for low, high in itertools.pairwise(checked))
    ):
        raise ValueError(
            f'bucket bounds of {name} must be one or more finite, increasing numbers, not {tuple(bounds)!r}'
        )
    return checked
