"""Which tool called a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.spans import spans
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._display.spans import Span

_SLACK = 0.002
"""How many seconds one time may be off another one, as clocks go."""


def caller_of(called: Span, tools: Sequence[Span]) -> int | None:
    """The place of the tool that called a run: of those in whose time all of the run was, the first to end.

    A tool that waits for a run ends right after it. Of tools that ended together it is the one that began last before the
    run, and where the run went on after each of them, the last to end. `None` if it began in the time of no tool.

    Args:
        called: The run.
        tools: The tool calls of the run that called it.
    """
    began, ended = called
    open_then = [place for place, (start, end) in enumerate(tools) if start - _SLACK <= began <= end + _SLACK]
    around = [place for place in open_then if tools[place][1] + _SLACK >= ended]
    if not around:
        return max(open_then, key=lambda place: tools[place][1], default=None)

    def likely(place: int) -> tuple[float, bool, float]:
        start, end = tools[place]
        return end, start > began, -start

    return min(around, key=likely)


def with_callers(tree: RunTree) -> Iterator[tuple[RunTree, ToolRecord | None]]:
    """Each of the runs that a run called, with the tool call that called it, if it is known."""
    timed = list(zip(tree.pieces, spans(tree), strict=True))
    tools = [(each, span) for each, span in timed if isinstance(each, ToolRecord) and each.kind != 'native']
    calls = [span for _, span in tools]
    for piece, span in timed:
        if isinstance(piece, RunTree):
            place = caller_of(span, calls)
            yield piece, None if place is None else tools[place][0]
