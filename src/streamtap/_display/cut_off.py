"""What a run left unfinished when somebody stopped it, or when its time was up, and for how long a model is silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.text import model_name
from streamtap._records.records import ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records.live import LiveResponse
    from streamtap._records.records import ResponseRecord

_CUT_OFF = frozenset({'cancelled', 'interrupted', 'deferred', 'timeout'})

LEAST_SILENCE = 0.5
"""Seconds of silence at the end of a response that are told apart from its writing."""

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


def silence_at_end(record: ResponseRecord) -> float:
    """The seconds for which a model was silent before its response ended: half a second or more, and longer than ever in it.

    What is over the threshold of a stall is one, and not in here. 0 where not all of its chunks and stalls are kept.

    Args:
        record: The response.
    """
    last = _last_chunk(record)
    if last is None or record.duration is None or _ended_in_a_stall(record):
        return 0.0
    silence = record.duration - last
    return silence if _is_told(silence, record.max_inter_chunk_latency or 0.0) else 0.0


def silence_until_now(response: LiveResponse) -> float:
    """The seconds for which a model is silent that has begun to answer, by the same rule; 0 while it writes or thinks.

    Args:
        response: The open request.
    """
    if not response.chunks or response.wait is None:
        return 0.0
    return response.wait if _is_told(response.wait, response.longest_wait) else 0.0


def _is_told(silence: float, longest_before: float) -> bool:
    return silence >= LEAST_SILENCE and silence > longest_before


def after_last_chunk(record: ResponseRecord) -> float:
    """The seconds from the last chunk of a response to its end; 0 where not all of its chunks are kept.

    Args:
        record: The response.
    """
    last = _last_chunk(record)
    return 0.0 if last is None or record.duration is None else max(0.0, record.duration - last)


def _doing(record: ResponseRecord) -> str:
    if _ended_in_a_stall(record):
        return 'stalled'
    if silence_at_end(record):
        return 'silent'
    written = [part.kind for part in record.parts if part.chunks]
    return 'thinking' if written[-1:] == ['thinking'] else 'writing'


def _ended_in_a_stall(record: ResponseRecord) -> bool:
    """Whether its last stall began after its last chunk; `False` where not all of its stalls and chunks are kept."""
    last = _last_chunk(record)
    if last is None or not record.stall_starts or len(record.stall_starts) < record.stalls:
        return False
    return record.stall_starts[-1] >= last - _NOTHING


def _last_chunk(record: ResponseRecord) -> float | None:
    """When its last chunk came, in seconds since it began; `None` where not all of its chunks are kept."""
    parts = [part for part in record.parts if part.chunks]
    if not parts or sum(part.chunks for part in parts) < record.chunks:
        return None
    ends = [part.start + part.duration for part in parts if part.start is not None and part.duration is not None]
    return max(ends) if len(ends) == len(parts) else None
