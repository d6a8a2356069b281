"""The one rule by which a request, a tool call or a queue becomes bars over time, on the page and in a report alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from streamtap._records.records import PartRecord, ResponseRecord, RunRecord, ToolRecord

BarKind = Literal[
    'queue', 'waiting', 'thinking', 'text', 'tool_call', 'model', 'stall', 'tool', 'native_tool', 'interrupted'
]
"""What happened: `tool_call` is the writing of one, `model` a response that is not streamed.

`interrupted` is a tool call that was interrupted.
"""

LEAST_QUEUE = 0.01
"""Seconds; where a slot is free, a run is through the queue sooner."""

_OF_PART: dict[str, BarKind] = {'thinking': 'thinking', 'tool-call': 'tool_call', 'builtin-tool-call': 'tool_call'}
_NOT_WRITTEN = frozenset({'builtin-tool-return', 'compaction'})


@dataclass(frozen=True, slots=True)
class Bar:
    """What happened, when it began and how long it took, in seconds; `part` is what was written, if that is one."""

    kind: BarKind
    start: float
    duration: float
    part: PartRecord | None = None


def request_bars(record: ResponseRecord, start: float) -> list[Bar]:
    """The bars of a request that began at `start`; none if that is not known, nor of what was not seen to its end."""
    if record.duration is None and record.time_to_first_token is None:
        return []
    if not record.streamed:
        return [] if record.duration is None else [Bar('model', start, record.duration)]
    waited = record.time_to_first_token if record.chunks else record.duration
    bars = [] if waited is None else [Bar('waiting', start, waited)]
    bars.extend(
        Bar(_OF_PART.get(part.kind, 'text'), start + part.start, part.duration, part)
        for part in record.parts
        if part.start is not None and part.duration is not None and part.chunks and part.kind not in _NOT_WRITTEN
    )
    if record.stalls == 1 and record.stall_starts:
        bars.append(Bar('stall', start + record.stall_starts[0], record.stall_seconds))
    return bars


def stall_marks(record: ResponseRecord, start: float) -> list[float]:
    """When each of several stalls began: only their total duration is known, so they are marks and no bars."""
    return [start + began for began in record.stall_starts] if record.stalls > 1 else []


def tool_bars(record: ToolRecord, start: float, took: float | None) -> list[Bar]:
    """The bar of a tool call; none if its execution was not observed.

    Args:
        record: The call.
        start: When it began, in seconds.
        took: How many seconds it took, an interrupted one until it was interrupted; `None` if that is not known.
    """
    kind = 'native_tool' if record.kind == 'native' else 'tool'
    if record.outcome == 'interrupted':
        kind = 'interrupted'
    return [] if took is None else [Bar(kind, start, took)]


def queue_bars(record: RunRecord, start: float) -> list[Bar]:
    """The bar of a run's wait for a slot, if it had to wait; the run began at `start`, when it was asked for."""
    queued = record.phases.get('queue', 0.0)
    return [Bar('queue', start, queued)] if queued >= LEAST_QUEUE else []
