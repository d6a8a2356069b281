"""Which tool called a run, and what of several things at the same time a run waited for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import Piece

Span: TypeAlias = 'tuple[float, float]'
"""When something began and ended, in nanoseconds since the Unix epoch; what is still open ends never."""

_SLACK_NS = 2_000_000
"""How much one time may be off another one, as clocks go."""


def span_of(record: RunRecord | ToolRecord) -> Span:
    """When it began and ended; if nobody knows how long it took, it ended when it began."""
    return record.started_ns, record.started_ns + 1e9 * (record.duration or 0.0)


def caller_of(called: Span, tools: Sequence[Span]) -> int | None:
    """The place of the tool that called a run: of those in whose time all of the run was, the first to end.

    A tool that waits for a run ends right after it. Of tools that ended together it is the one that began last before the
    run, and where the run went on after each of them, the last to end. `None` if it began in the time of no tool.

    Args:
        called: The run.
        tools: The tool calls of the run that called it.
    """
    began, ended = called
    open_then = [place for place, (start, end) in enumerate(tools) if start - _SLACK_NS <= began <= end + _SLACK_NS]
    around = [place for place in open_then if tools[place][1] + _SLACK_NS >= ended]
    if not around:
        return max(open_then, key=lambda place: tools[place][1], default=None)

    def likely(place: int) -> tuple[float, bool, float]:
        start, end = tools[place]
        return end, start > began, -start

    return min(around, key=likely)


def with_callers(pieces: Sequence[Piece]) -> Iterator[tuple[RunTree, ToolRecord | None]]:
    """Each of the runs that a run called, with the tool call that called it, if it is known."""
    tools = [each for each in pieces if isinstance(each, ToolRecord) and each.kind != 'native']
    spans = [span_of(each) for each in tools]
    for piece in pieces:
        if isinstance(piece, RunTree):
            place = caller_of(span_of(piece.run), spans)
            yield piece, None if place is None else tools[place]


def waited_for(spans: Iterable[Span], within: Span = (-math.inf, math.inf)) -> list[Span]:
    """What of each was waited for: of those that are open at an instant, whoever waits for all waits for the last to end.

    Of those that end together it is the last one.

    Args:
        spans: What went on, some of it at the same time.
        within: When it was waited for.

    Returns:
        The part of each in which it was the last to end; they do not overlap, and cover what the spans do.
    """
    all_of_them = list(spans)
    found: list[Span] = [(0.0, 0.0)] * len(all_of_them)
    earliest, frontier = within
    for place in sorted(range(len(all_of_them)), key=lambda each: (all_of_them[each][1], each), reverse=True):
        start, end = all_of_them[place]
        start, end = max(start, earliest), min(end, frontier)
        if start < end:
            # All that is before belongs to others: those after it in this loop end earlier.
            found[place], frontier = (start, end), start
    return found
