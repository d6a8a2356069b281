"""Which tool called a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamtap._display.spans import spans
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._display.spans import Span

_SLACK = 0.002
"""How many seconds one time may be off another one, as clocks go."""


class Timed(NamedTuple):
    """When a tool call or a called run began and ended, and the id of the call, if it is known."""

    span: Span
    tool_call_id: str | None


def callers_of(called: Sequence[Timed], tools: Sequence[Timed]) -> list[int | None]:
    """For each run that a run called, the place of the tool call that called it.

    It is the one whose id the run has. Where the run has none, or several calls have it, it is the first to end of those in
    whose time all of the run was, as a tool that waits for a run ends right after it. Of calls that ended together, as
    where they were interrupted, it is one that does not have another run at that time, and the first to begin. Where the
    run went on after each of them, it is the last to end. `None` if no call has its id, or it began in the time of none.

    Args:
        called: The runs.
        tools: The tool calls of the run that called them.
    """
    found: list[int | None] = [None] * len(called)
    given: list[list[Span]] = [[] for _ in tools]
    for place in sorted(range(len(called)), key=lambda each: called[each].span):
        span, tool_call_id = called[place]
        may_be = [
            (each, tool.span)
            for each, tool in enumerate(tools)
            if tool_call_id is None or tool.tool_call_id == tool_call_id
        ]
        is_known = tool_call_id is not None and len(may_be) == 1
        caller = may_be[0][0] if is_known else _by_time(span, may_be, given)
        if caller is not None:
            given[caller].append(span)
        found[place] = caller
    return found


def _by_time(called: Span, tools: Sequence[tuple[int, Span]], given: Sequence[Sequence[Span]]) -> int | None:
    began, ended = called
    open_then = [(place, span) for place, span in tools if span[0] - _SLACK <= began <= span[1] + _SLACK]
    around = [(place, span) for place, span in open_then if span[1] + _SLACK >= ended]
    if not around:
        return max(open_then, key=lambda each: each[1][1], default=(None,))[0]

    def likely(each: tuple[int, Span]) -> tuple[float, bool, bool, float]:
        place, (start, end) = each
        return end, any(other_end > began for _, other_end in given[place]), start > began, start

    return min(around, key=likely)[0]


def with_callers(tree: RunTree) -> Iterator[tuple[RunTree, ToolRecord | None]]:
    """Each of the runs that a run called, with the tool call that called it, if it is known."""
    timed = list(zip(tree.pieces, spans(tree), strict=True))
    tools = [(each, span) for each, span in timed if isinstance(each, ToolRecord) and each.kind != 'native']
    called = [(each, span) for each, span in timed if isinstance(each, RunTree)]
    places = callers_of(
        [Timed(span, each.run.parent_tool_call_id) for each, span in called],
        [Timed(span, each.tool_call_id) for each, span in tools],
    )
    for (nested, _), place in zip(called, places, strict=True):
        yield nested, None if place is None else tools[place][0]
