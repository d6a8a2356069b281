"""The label sets of a metric, which are capped too."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from streamtap._base.forks import tell_forks
from streamtap._sinks.label_cap import OTHER, LabelCap
from streamtap._sinks.metrics.catalogue import FIXED_LABELS, STARTS_AT_ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamtap._sinks.metrics.metric import Metric

Child = TypeVar('Child')


class LabelSets(Generic[Child]):
    """The label sets of one metric, with a child for each, created when it is first seen, within the caps.

    Args:
        metric: Its row of the catalogue.
        user_labels: Names of the user's own labels.
        make: Creates the child for a label set.
        cap: Caps the values of labels, across all metrics.
        limit: Label sets before new ones become `_other`.
    """

    def __init__(
        self,
        metric: Metric,
        user_labels: tuple[str, ...],
        make: Callable[[tuple[str, ...]], Child],
        *,
        cap: LabelCap,
        limit: int,
    ) -> None:
        self.names = label_names(metric, user_labels)
        self._make = make
        self._cap = cap
        self._children: dict[tuple[str, ...], Child] = {}
        label, self._siblings = STARTS_AT_ZERO.get(metric.name, ('', ()))
        self._place = self.names.index(label) if label else 0
        # Label sets of fixed labels only are few.
        self._limit = limit if set(self.names) - FIXED_LABELS else sys.maxsize
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    def child(self, values: tuple[str, ...]) -> Child:
        """The child for these values, created if there is none."""
        # Nothing is ever removed, so a lookup needs no lock.
        child = self._children.get(values)
        return child if child is not None else self._children[self.key(values)]

    def key(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The label set that these values become under the caps, created if there is none."""
        if values in self._children:
            return values
        with self._lock:
            named = tuple(zip(self.names, values, strict=True))
            capped = tuple(value if name in FIXED_LABELS else self._cap(name, value) for name, value in named)
            if capped not in self._children and len(self._children) >= self._limit:
                capped = tuple(value if name in FIXED_LABELS else OTHER for name, value in named)
                self._cap.overflowed('label_sets')
            # Only capped values become keys: invented values must not grow this table either.
            for key in self._with_siblings(capped):
                if key not in self._children:
                    self._children[key] = self._make(key)
            return capped

    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Every label set that exists."""
        with self._lock:
            return tuple(self._children)

    def _with_siblings(self, values: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
        """The label set itself, and for counters that start at 0 the same for every other outcome or reason."""
        yield values
        for value in self._siblings:
            yield (*values[: self._place], value, *values[self._place + 1 :])


def label_names(metric: Metric, user_labels: tuple[str, ...]) -> tuple[str, ...]:
    """The names of a metric's labels: its own, then the user's if it measures runs."""
    return (*metric.labels, *(user_labels if metric.is_about_runs else ()))
