"""A function that is called with the record of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._delivery.sink import BaseSink

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records.records import RunRecord


class RunCallback(BaseSink):
    """Calls a function with each run's record, on the tap's worker thread.

    Args:
        on_run: The function; what it returns is ignored, what it raises is counted.
    """

    def __init__(self, on_run: Callable[[RunRecord], object]) -> None:
        self._on_run = on_run

    def run_ended(self, record: RunRecord) -> None:
        """Call the function."""
        self._on_run(record)
