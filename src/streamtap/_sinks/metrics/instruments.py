"""The catalogue's counters and histograms as sinks write to them, for any metrics library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from streamtap._sinks.label_cap import LabelCap
from streamtap._sinks.metrics.catalogue import STARTS_AT_ZERO
from streamtap._sinks.metrics.label_sets import LabelSets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.metrics.metric import Metric

    Record = RunRecord | ResponseRecord | ToolRecord

Child = TypeVar('Child')
Origin = TypeVar('Origin')

OVERFLOW = 'streamtap_label_overflow_total'


class Instruments(ABC, Generic[Child, Origin]):
    """Takes values by the metric's name; label sets are created when they are first seen, and capped.

    Values for a metric that is not among them are ignored.

    Args:
        metrics: The counters and histograms.
        user_labels: Names of the user's own labels.
        max_label_values: Distinct values per label.
        max_label_sets: Label sets per metric.
    """

    def __init__(
        self, metrics: Iterable[Metric], user_labels: tuple[str, ...], *, max_label_values: int, max_label_sets: int
    ) -> None:
        self.cap = LabelCap(max_label_values, lambda label: self.add(OVERFLOW, (label,), 1))
        self._label_sets: dict[str, LabelSets[Child]] = {
            metric.name: LabelSets(
                metric,
                user_labels,
                partial(self._make, metric),
                cap=self.cap,
                limit=self._max_label_sets(metric, max_label_sets),
            )
            for metric in metrics
        }

    def _max_label_sets(self, metric: Metric, limit: int) -> int:
        """The cap of this metric: all outcomes of a counter that starts at 0 together count as one."""
        _, siblings = STARTS_AT_ZERO.get(metric.name, ('', ()))
        return limit * max(1, len(siblings))

    @abstractmethod
    def origin(self, record: Record) -> Origin | None:
        """The link from a number to the trace of this record, for exemplars."""

    @abstractmethod
    def add(self, name: str, values: tuple[str, ...], amount: float, origin: Origin | None = None) -> None:
        """Add to a counter."""

    @abstractmethod
    def observe(self, name: str, values: tuple[str, ...], value: float, origin: Origin | None = None) -> None:
        """Observe a value in a histogram."""

    @abstractmethod
    def observe_gaps(self, values: tuple[str, ...], record: ResponseRecord, origin: Origin | None = None) -> None:
        """Observe the waits before the chunks of a response."""

    def declare(self, name: str, values: tuple[str, ...]) -> None:
        """Create the series, at 0."""
        self._child(name, values)

    @abstractmethod
    def _make(self, metric: Metric, values: tuple[str, ...]) -> Child:
        """Create the child for a label set of a metric."""

    def _child(self, name: str, values: tuple[str, ...]) -> Child | None:
        label_sets = self._label_sets.get(name)
        return None if label_sets is None else label_sets.child(values)
