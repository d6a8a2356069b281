"""When the pieces of a run began and ended, also tool calls that were interrupted: their records do not say when."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from streamtap._records.failed import FAILED_TOOLS
from streamtap._records.records import ResponseRecord, ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._records.records import FailureRecord, RunRecord
    from streamtap._records.run_tree import Piece

Span: TypeAlias = 'tuple[float, float]'
"""When something began and ended, in seconds since its run began; what is still open ends never."""

_BEFORE = 1e-9
"""How many seconds before another one's failure a call ends that it interrupted: the run waited for the one that failed."""


def started(piece: Piece) -> int:
    """When it began, in nanoseconds since the Unix epoch."""
    return _record(piece).started_ns


def is_interrupted(piece: Piece) -> bool:
    """Whether it is a tool call that was interrupted, so that nobody knows how long it would have taken."""
    return isinstance(piece, ToolRecord) and piece.outcome == 'interrupted' and piece.duration is None


def spans(tree: RunTree) -> list[Span]:
    """When each piece of a run began and ended; if nobody knows how long it took, it ended when it began."""
    return spans_of(tree.pieces, durations(tree), tree.run.started_ns)


def spans_of(pieces: Iterable[Piece], durations: Iterable[float | None], run_started_ns: int) -> list[Span]:
    """The same of some pieces, from how many seconds they took."""
    return [
        (start, start + (took or 0.0))
        for piece, took in zip(pieces, durations, strict=True)
        for start in [_began(piece, run_started_ns)]
    ]


def durations(tree: RunTree) -> list[float | None]:
    """How many seconds each piece of a run took, an interrupted tool call until it was interrupted; `None` if not known.

    What was interrupted with its run ends with it, except that all tools together ran no longer than the run's phases say:
    what the run still did after the interruption is no tool's.
    """
    run, pieces = tree.run, tree.pieces
    found = durations_until(run.duration, pieces, run.started_ns, run.failure)
    if run.duration is None or not run.phases or not any(map(is_interrupted, pieces)):
        return found
    own = [
        span
        for piece, span in zip(pieces, spans_of(pieces, found, run.started_ns), strict=True)
        if isinstance(piece, ToolRecord) and piece.kind != 'native'
    ]
    excess = sum(end - start for start, end in waited_for(own)) - run.phases.get('tools', 0.0)
    return found if excess <= 0 else durations_until(run.duration - excess, pieces, run.started_ns, run.failure)


def durations_until(
    end: float | None, pieces: Sequence[Piece], run_started_ns: int, failure: FailureRecord | None = None
) -> list[float | None]:
    """How many seconds each piece of a run took, where what was interrupted ended at `end` at the latest.

    It ended when another call of its step ended the run, and before the next step; one of the provider with its response.

    Args:
        end: Seconds since the run began, if that is known.
        pieces: The pieces.
        run_started_ns: When the run began, in nanoseconds since the Unix epoch.
        failure: Why the run failed, if it did.
    """
    if not any(map(is_interrupted, pieces)):
        return [_record(piece).duration for piece in pieces]
    next_step, failed = _next_steps(pieces, run_started_ns), _failures(pieces, run_started_ns, failure)

    def took(piece: Piece) -> float | None:
        if not isinstance(piece, ToolRecord) or not is_interrupted(piece):
            return _record(piece).duration
        began = _began(piece, run_started_ns)
        ends = [next_step[piece.step], math.inf if end is None else end]
        if piece.kind == 'native':
            ends += _ends_of_requests(pieces, piece.step, run_started_ns)
        else:
            ends += [each - _BEFORE for each in failed[piece.step] if each > began]
        first = min(ends)
        return None if first == math.inf else max(0.0, first - began)

    return list(map(took, pieces))


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


def is_named(tool: ToolRecord, failure: FailureRecord | None) -> bool:
    """Whether a run's failure was in this tool, as far as it says."""
    return failure is not None and (failure.agent, failure.place, failure.name, failure.step) == (
        tool.agent,
        'tool',
        tool.tool,
        tool.step,
    )


def _record(piece: Piece) -> RunRecord | ResponseRecord | ToolRecord:
    return piece.run if isinstance(piece, RunTree) else piece


def _began(piece: Piece, run_started_ns: int) -> float:
    return (started(piece) - run_started_ns) / 1e9


def _next_steps(pieces: Sequence[Piece], run_started_ns: int) -> Mapping[int, float]:
    """For each step, when the next one began."""
    first: defaultdict[int, float] = defaultdict(lambda: math.inf)
    for piece in pieces:
        if not isinstance(piece, RunTree):
            first[piece.step] = min(first[piece.step], _began(piece, run_started_ns))
    found, following = dict[int, float](), math.inf
    for step in sorted(first, reverse=True):
        found[step], following = following, min(following, first[step])
    return found


def _failures(
    pieces: Sequence[Piece], run_started_ns: int, failure: FailureRecord | None
) -> defaultdict[int, list[float]]:
    """For each step, when those of its tool calls ended that may have ended the run."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for piece in pieces:
        if isinstance(piece, ToolRecord) and piece.kind != 'native' and _has_ended_run(piece, failure):
            found[piece.step].append(_began(piece, run_started_ns) + (piece.duration or 0.0))
    return found


def _has_ended_run(tool: ToolRecord, failure: FailureRecord | None) -> bool:
    if tool.outcome == 'error':
        return True
    return is_named(tool, failure) and tool.outcome in (*FAILED_TOOLS, 'retried')


def _ends_of_requests(pieces: Sequence[Piece], step: int, run_started_ns: int) -> list[float]:
    """When the requests of a step ended, as far as that is known."""
    return [
        _began(piece, run_started_ns) + piece.duration
        for piece in pieces
        if isinstance(piece, ResponseRecord) and piece.step == step and piece.duration is not None
    ]
