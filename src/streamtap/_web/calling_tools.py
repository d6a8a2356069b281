"""The tool calls of a run, by which the runs that they called are drawn below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.callers import Timed, callers_of
from streamtap._records.live import LiveTool
from streamtap._records.records import ToolRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamtap._display.spans import Span
    from streamtap._records.live import LiveResponse
    from streamtap._records.records import ResponseRecord


class CallingTools:
    """The tool calls among the rows of a run.

    Args:
        rows: The rows in their order, each with when it began and ended.
    """

    def __init__(self, rows: Iterable[tuple[ResponseRecord | ToolRecord | LiveResponse | LiveTool, Span]]) -> None:
        calls = [
            (place, Timed(span, row.tool_call_id))
            for place, (row, span) in enumerate(rows)
            if isinstance(row, (ToolRecord, LiveTool)) and row.kind != 'native'
        ]
        self._places = [place for place, _ in calls]
        self._calls = [timed for _, timed in calls]

    def rows_of(self, called: Sequence[Timed]) -> list[int | None]:
        """For each run that they called, the row of the call."""
        return [None if caller is None else self._places[caller] for caller in callers_of(called, self._calls)]
