"""The output of a run as its reader gets it: `tap.watch(result.stream_text())`, within the run that it belongs to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from streamtap._delivery.guard import guarded
from streamtap._doors.observed_stream import ObservedStream
from streamtap._upstream.output_streams import shows_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from streamtap._delivery.dispatch import Dispatch
    from streamtap._meter.reader import ReaderMeter
    from streamtap._runs.registry import Runs
    from streamtap._runs.run import Run

WHERE = 'watch'


class OutputReader:
    """One reader of a run's output. No method raises.

    If no door of the tap measures the run, or the run is over, nothing is measured.

    Args:
        runs: The tap's open runs.
        out: Counts failures in this class.
        run_id: The run whose output is read.
    """

    def __init__(self, runs: Runs, out: Dispatch, run_id: str) -> None:
        self._runs = runs
        self._out = out
        self._run_id = run_id
        self._has_begun = False
        self._run: Run | None = None
        self._meter: ReaderMeter | None = None
        self._last_item: float | None = None

    def is_of(self, runs: Runs) -> bool:
        """Whether it is a reader for the tap that has these runs."""
        return self._runs is runs

    def waiting(self, held_since: float | None, now: float) -> None:
        """The reader asks for an item: the first time, find the run."""
        if not self._has_begun:
            self._has_begun = True
            with guarded(self._out, WHERE):
                self._run = self._runs.get(self._run_id)
                if self._run is not None:
                    self._meter = self._run.reader_came()

    def read(self, event: object, waited_from: float, now: float) -> None:
        """An item arrived and is handed to the reader."""
        meter = self._meter
        if meter is None:
            return
        try:
            if self._last_item is not None or shows_output(event, self._is_output_tool):
                meter.item(self._last_item, now)
                self._last_item = now
        except Exception as error:
            self._out.failed(WHERE, error)

    def _is_output_tool(self, tool: str) -> bool:
        return self._run is not None and self._run.tools.describe(tool)[1]

    def over(self, left: float | None) -> None:
        """No more items will be read; calls after the first do nothing.

        Args:
            left: When the reader left before the end of the items, if it did.
        """
        run, self._run = self._run, None
        if run is not None:
            with guarded(self._out, WHERE):
                run.reader_gone(left)


class OutputStream(ObservedStream):
    """The items of `stream_text()` and its siblings, measured as they are read.

    Args:
        items: The items.
        monotonic: Reads the clock.
        reader: Measures them.
    """

    def __init__(self, items: AsyncIterable[Any], monotonic: Callable[[], float], reader: OutputReader) -> None:
        super().__init__(items, monotonic, reader)
        self._reader = reader

    def is_of(self, runs: Runs) -> bool:
        """Whether the tap that has these runs measures the items already."""
        return self._reader.is_of(runs)

    def __del__(self) -> None:
        # Left here, and not by a `catch_up` later: the request may be over by then. This touches no lock.
        with contextlib.suppress(Exception):
            self._reader.over(self._monotonic())

    async def aclose(self) -> None:
        """Close the items, if they can be closed."""
        self._reader.over(self._monotonic())
        close = getattr(self._events, 'aclose', None)
        if close is not None:
            await close()

    def _exhausted(self) -> None:
        self._reader.over(None)

    def _failed(self, error: BaseException) -> None:
        # When a cancellation came is not known here: the items have ended since.
        self._reader.over(None)
