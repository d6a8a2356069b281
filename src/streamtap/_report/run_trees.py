"""The slowest runs, with their requests, their tool calls and the nested runs that these called."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.records import ResponseRecord, RunRecord

if TYPE_CHECKING:
    from streamtap._records.as_json import Record
    from streamtap._records.records import ToolRecord

MAX_UNFINISHED = 10_000
"""How many runs whose end has not been read yet are kept; past it the oldest is evicted, as its end may never come."""

MAX_PIECES = 500
"""How many requests, tool calls and nested runs are kept per run."""


@dataclass(slots=True)
class RunTree:
    """A run and its pieces, in the order in which they ended; `left_out` counts those past the cap."""

    run: RunRecord
    pieces: list[ResponseRecord | ToolRecord | RunTree] = field(
        default_factory=list['ResponseRecord | ToolRecord | RunTree']
    )
    left_out: int = 0


@dataclass(slots=True)
class _Unfinished:
    pieces: list[ResponseRecord | ToolRecord | RunTree] = field(
        default_factory=list['ResponseRecord | ToolRecord | RunTree']
    )
    left_out: int = 0

    def add(self, piece: ResponseRecord | ToolRecord | RunTree) -> None:
        if len(self.pieces) < MAX_PIECES:
            self.pieces.append(piece)
        else:
            self.left_out += 1


class SlowestRuns:
    """Finds the slowest runs that no other run called, in one pass and bounded memory.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._unfinished: OrderedDict[str, _Unfinished] = OrderedDict()
        self._slowest: list[tuple[float, int, RunTree]] = []
        self._read = 0

    def add(self, record: Record) -> None:
        """Add a record; a run's own comes after those of its requests, tool calls and nested runs."""
        if not isinstance(record, RunRecord):
            self._of(record.run_id).add(record)
            return
        known = self._unfinished.pop(record.run_id, _Unfinished())
        tree = RunTree(record, known.pieces, known.left_out)
        if record.parent_run_id is not None:
            self._of(record.parent_run_id).add(tree)
            return
        self._read += 1
        heapq.heappush(self._slowest, (record.duration or 0.0, -self._read, tree))
        if len(self._slowest) > self._count:
            heapq.heappop(self._slowest)

    def trees(self) -> list[RunTree]:
        """The slowest runs, the slowest first."""
        return [tree for _, _, tree in sorted(self._slowest, key=lambda each: each[:2], reverse=True)]

    def _of(self, run_id: str) -> _Unfinished:
        found = self._unfinished.setdefault(run_id, _Unfinished())
        if len(self._unfinished) > MAX_UNFINISHED:
            self._unfinished.popitem(last=False)
        return found
