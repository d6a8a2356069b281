"""A histogram of the catalogue on a registry: all its label sets, as text exporters read them and as ours does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString  # pyright: ignore[reportUnknownVariableType]

from streamtap._sinks.prometheus.histogram import Histogram, HistogramLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from streamtap._sinks.prometheus.histogram import HistogramReading


class HistogramFamily(Metric):
    """A family whose samples are the classic ones, made only when they are read, and which has native buckets too.

    Args:
        name: The name of the metric.
        documentation: What it is.
        label_names: The names of its labels.
        bounds: The upper bounds of the classic buckets, without infinity.
        children: The histogram of each label set.
    """

    def __init__(
        self,
        name: str,
        documentation: str,
        label_names: tuple[str, ...],
        bounds: tuple[float, ...],
        children: Mapping[tuple[str, ...], Histogram],
    ) -> None:
        super().__init__(name, documentation, 'histogram')
        self.label_names = label_names
        self.bounds = bounds
        self._children = children
        # From now on `__getattr__` makes them: a scrape by protobuf never reads them.
        del self.samples

    def __getattr__(self, name: str) -> list[Sample]:
        if name != 'samples':
            raise AttributeError(name)
        self.samples = list(self._samples())
        return self.samples

    def readings(self) -> Iterator[tuple[tuple[str, ...], HistogramReading]]:
        """The values of the labels of each label set, and what its histogram holds."""
        for values, child in tuple(self._children.items()):
            yield values, child.read()

    def _samples(self) -> Iterator[Sample]:
        shows_created = _shows_created()
        uppers = [floatToGoString(bound) for bound in (*self.bounds, float('inf'))]
        for values, read in self.readings():
            labels = dict(zip(self.label_names, values, strict=True))
            exemplars = read.exemplars if self.bounds else dict(enumerate(list(read.exemplars.values())[-1:]))
            count = 0
            for place, upper in enumerate(uppers):
                count += read.classic[place]
                yield Sample(f'{self.name}_bucket', {**labels, 'le': upper}, float(count), None, exemplars.get(place))
            yield Sample(f'{self.name}_count', labels, float(count), None, None)
            yield Sample(f'{self.name}_sum', labels, read.total, None, None)
            if shows_created:
                yield Sample(f'{self.name}_created', labels, read.created, None, None)


class HistogramCollector:
    """The label sets of a histogram, registered as one collector.

    Args:
        name: The name of the metric.
        documentation: What it is.
        label_names: The names of its labels.
        bounds: The upper bounds of its classic buckets, without infinity; none for a histogram that is native only.
    """

    def __init__(self, name: str, documentation: str, label_names: tuple[str, ...], bounds: tuple[float, ...]) -> None:
        self._lock = HistogramLock()
        self._shape = (name, documentation, label_names, bounds)
        self._bounds = bounds
        self._children: dict[tuple[str, ...], Histogram] = {}

    def labels(self, *values: str) -> Histogram:
        """Create the histogram of a label set; called once for each."""
        return self._children.setdefault(values, Histogram(self._lock, self._bounds))

    def collect(self) -> Iterable[HistogramFamily]:
        """The family, as it is when it is read."""
        return [HistogramFamily(*self._shape, self._children)]

    def describe(self) -> Iterable[HistogramFamily]:
        """The family without label sets, from which the registry learns its names."""
        return [HistogramFamily(*self._shape, {})]


def _shows_created() -> bool:
    """Whether prometheus_client shows `_created` samples: its switches are to work for these histograms, too."""
    families = Counter('probe', 'Whether it is shown when a counter was created.', registry=None).collect()
    return any(sample.name.endswith('_created') for family in families for sample in family.samples)
