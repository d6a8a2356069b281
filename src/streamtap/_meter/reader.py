"""Measures what the readers of a run's output get: texts, outputs or responses, as their own code sees them."""

from __future__ import annotations

from bisect import bisect_left

from streamtap._records.distribution import BOUNDS, Distribution, empty_counts
from streamtap._records.known import since
from streamtap._records.records import ReaderRecord


class ReaderMeter:
    """Measures the items that the readers of one run get.

    Args:
        failed_partials: 0 where partial outputs that fail to validate are seen, `None` where they are not.
    """

    __slots__ = ('_counts', '_longest', '_sum', 'failed_partials', 'first_item', 'items', 'reading')

    def __init__(self, failed_partials: int | None) -> None:
        self.failed_partials = failed_partials
        self.first_item: float | None = None
        self.items = 0
        self.reading = 0
        """How many readers are reading now."""
        self._counts = empty_counts()
        self._sum = 0.0
        self._longest: float | None = None

    def item(self, previous: float | None, now: float) -> None:
        """A reader got an item.

        Args:
            previous: When the same reader got the one before.
            now: The current time.
        """
        self.items += 1
        if self.first_item is None:
            self.first_item = now
        if previous is not None:
            gap = now - previous
            self._counts[bisect_left(BOUNDS, gap)] += 1
            self._sum += gap
            self._longest = gap if self._longest is None else max(gap, self._longest)

    def partial_failed(self) -> None:
        """A partial output failed to validate, so that the reader got nothing."""
        if self.failed_partials is not None:
            self.failed_partials += 1

    def record(self, started: float | None, first_output: float | None) -> ReaderRecord:
        """What was measured.

        Args:
            started: When the run started, `None` if that says nothing about what its readers waited for.
            first_output: When the model's first output arrived, if that was seen.
        """
        has_gaps = self._longest is not None
        return ReaderRecord(
            items=self.items,
            time_to_first_item=since(started, self.first_item),
            first_item_delay=since(first_output, self.first_item),
            inter_item_latencies=Distribution.of_counts(self._counts) if has_gaps else None,
            inter_item_latency_sum=self._sum if has_gaps else None,
            max_inter_item_latency=self._longest,
            failed_partials=self.failed_partials,
        )
