"""What a run left unfinished when somebody stopped it, or when its time was up, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.text import model_name
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records.records import ResponseRecord

_CUT_OFF = frozenset({'cancelled', 'interrupted', 'deferred', 'timeout'})

_NOTHING = 1e-6
"""Seconds by which two readings of the same moment differ only because sums are not exact."""


def where_cut_off(tree: RunTree, written: Callable[[str], str]) -> str:
    """What of its last step a run left unfinished, of several the last; empty if there is nothing.

    Args:
        tree: The run, with those that it called.
        written: How a name is written inside a sentence.
    """
    steps = [each for each in tree.pieces if not isinstance(each, RunTree)]
    last_step = max((each.step for each in steps), default=0)
    for piece in reversed(steps):
        if piece.step != last_step or piece.outcome not in _CUT_OFF:
            continue
        if isinstance(piece, ToolRecord):
            return f' in tool {written(piece.tool)}'
        model = written(model_name(piece.provider, piece.model))
        if not piece.chunks:
            return f' while waiting for {model}'
        return f' while {model} was {_doing(piece)}'
    return ''


def _doing(record: ResponseRecord) -> str:
    if _ended_in_a_stall(record):
        return 'stalled'
    written = [part.kind for part in record.parts if part.chunks]
    return 'thinking' if written[-1:] == ['thinking'] else 'writing'


def _ended_in_a_stall(record: ResponseRecord) -> bool:
    """Whether its last stall began after its last chunk; `False` where not all of its stalls and chunks are kept."""
    parts = [part for part in record.parts if part.chunks]
    if not record.stall_starts or len(record.stall_starts) < record.stalls:
        return False
    if sum(part.chunks for part in parts) < record.chunks:
        return False
    ends = [part.start + part.duration for part in parts if part.start is not None and part.duration is not None]
    return len(ends) == len(parts) and record.stall_starts[-1] >= max(ends) - _NOTHING
