"""A histogram with native buckets beside its classic ones, for one label set."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.samples import Exemplar

from streamtap._base.forks import tell_forks
from streamtap._sinks.prometheus.native_buckets import NativeBuckets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.distribution import Distribution

MAX_EXEMPLARS = 10


class HistogramLock:
    """The lock of all label sets of one histogram.

    It can be taken again by the thread that has it: a garbage collection may end a run in the middle of an observation.
    """

    def __init__(self) -> None:
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self.held = threading.RLock()


@dataclass(frozen=True, slots=True)
class HistogramReading:
    """What a histogram holds at one moment.

    Args:
        created: When it was created, as a Unix timestamp.
        total: The sum of the values.
        count: How many values there are.
        classic: How many values each classic bucket holds, not cumulative; the last is above all bounds.
        exemplars: The newest exemplar of each classic bucket; without classic buckets, of each power of two.
        schema: The resolution of the native buckets.
        zero: How many values are zero.
        positive: The native buckets with their counts, in order.
        negative: The same of negative values, by their size.
    """

    created: float
    total: float
    count: int
    classic: tuple[int, ...]
    exemplars: Mapping[int, Exemplar]
    schema: int
    zero: int
    positive: tuple[tuple[int, int], ...]
    negative: tuple[tuple[int, int], ...]


class Histogram:
    """Counts values in classic and in native buckets.

    A value that is not a finite number is ignored, as it would make the sum useless for good.

    Args:
        lock: The lock of its metric.
        bounds: The upper bounds of its classic buckets, without infinity; none for a histogram that is native only.
    """

    def __init__(self, lock: HistogramLock, bounds: tuple[float, ...]) -> None:
        self._lock = lock
        self._bounds = bounds
        self._classic = [0] * (len(bounds) + 1)
        self._native = NativeBuckets()
        self._total = 0.0
        self._created = time.time()
        self._exemplars: dict[int, Exemplar] = {}

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count a value.

        Args:
            value: The value.
            exemplar: The labels of its exemplar.
        """
        if not math.isfinite(value):
            return
        place = bisect_left(self._bounds, value)
        with self._lock.held:
            self._native.add(value)
            self._classic[place] += 1
            self._total += value
            if exemplar:
                self._set_exemplar(value, exemplar)

    def observe_distribution(
        self,
        distribution: Distribution,
        total: float,
        largest: float = 0.0,
        exemplar: Mapping[str, str] | None = None,
    ) -> None:
        """Count many values in one step.

        Args:
            distribution: The values.
            total: Their sum.
            largest: The largest of them, which gets the exemplar.
            exemplar: The labels of the exemplar.
        """
        folded = distribution.fold(self._bounds)
        with self._lock.held:
            self._native.add_all(distribution)
            for place, count in enumerate(folded):
                if count:
                    self._classic[place] += count
            self._total += total
            if exemplar:
                self._set_exemplar(largest, exemplar)

    def read(self) -> HistogramReading:
        """What it holds now."""
        with self._lock.held:
            native = self._native
            schema, zero, positive, negative = native.schema, native.zero, dict(native.positive), dict(native.negative)
            classic, exemplars, total = tuple(self._classic), dict(self._exemplars), self._total
        return HistogramReading(
            created=self._created,
            total=total,
            # Counted from the buckets: a server refuses a native histogram whose buckets do not add up to its count.
            count=zero + sum(positive.values()) + sum(negative.values()),
            classic=classic,
            exemplars=exemplars,
            schema=schema,
            zero=zero,
            positive=tuple(sorted(positive.items())),
            negative=tuple(sorted(negative.items())),
        )

    def _set_exemplar(self, value: float, labels: Mapping[str, str]) -> None:
        """Keep the newest of each classic bucket, or without those of each power of two, in the order they came."""
        place = bisect_left(self._bounds, value) if self._bounds else math.frexp(value)[1]
        self._exemplars.pop(place, None)
        self._exemplars[place] = Exemplar(dict(labels), value, time.time())
        if not self._bounds and len(self._exemplars) > MAX_EXEMPLARS:
            del self._exemplars[next(iter(self._exemplars))]
