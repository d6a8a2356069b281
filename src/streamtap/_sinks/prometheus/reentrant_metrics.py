"""Metrics of prometheus_client that a signal handler may use at any moment, and one that takes bucketed counts at once.

The only place that uses private attributes of prometheus_client; tested on its oldest and newest supported release.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Protocol, cast

from prometheus_client import Counter, Histogram
from prometheus_client.samples import Exemplar

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Value(Protocol):
    def inc(self, amount: float) -> None: ...

    def set_exemplar(self, exemplar: Exemplar) -> None: ...


class _Reentrant:
    """Locks that the same thread may take again: a signal's handler that closes a tap may interrupt it inside of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - whatever its metric takes
        super().__init__(*arguments, **options)
        held = (self, getattr(self, '_value', None), getattr(self, '_sum', None), *getattr(self, '_buckets', ()))
        for each in held:
            # The values of the multiprocess mode have one lock for all.
            if hasattr(each, '_lock'):
                setattr(each, '_lock', threading.RLock())  # noqa: B010 - it is private


class ReentrantCounter(_Reentrant, Counter):
    """A counter."""


class ReentrantHistogram(_Reentrant, Histogram):
    """A histogram."""


class BulkHistogram(ReentrantHistogram):
    """A histogram that takes all the gaps of a response at once.

    Observing thousands of gaps one by one would cost milliseconds; this costs one step per bucket.
    """

    def observe_counts(self, counts: Sequence[int], total: float) -> None:
        """Count many observations.

        Args:
            counts: Observations per bucket, in the order of the bounds, not cumulative; last those above all bounds.
            total: The sum of all observed values.
        """
        buckets = cast('list[_Value]', self._buckets)  # pyright: ignore[reportUnknownMemberType]
        for bucket, count in zip(buckets, counts, strict=True):
            if count:
                bucket.inc(count)
        cast('_Value', self._sum).inc(total)

    def set_exemplar(self, value: float, exemplar: dict[str, str]) -> None:
        """Attach an exemplar to the bucket of a value.

        Args:
            value: The observed value.
            exemplar: The labels of the exemplar.
        """
        buckets = cast('list[_Value]', self._buckets)  # pyright: ignore[reportUnknownMemberType]
        buckets[bisect_left(self._upper_bounds, value)].set_exemplar(Exemplar(exemplar, value, time.time()))
