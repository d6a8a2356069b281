"""The slowest runs, with their requests, their tool calls and the nested runs that these called."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.records import ResponseRecord, RunRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from streamtap._records.as_json import Record
    from streamtap._records.run_tree import Piece

MAX_UNFINISHED = 10_000
"""How many runs whose end has not been read yet are kept; past it the oldest is evicted, as its end may never come."""

MAX_PIECES = 500
"""How many requests, tool calls and nested runs are kept per run, those of its nested runs included."""

MAX_KEPT = 200_000
"""How many of these, and parts of responses, are kept of all runs whose end has not been read yet."""


@dataclass(slots=True)
class _Unfinished:
    """What is known of a run before its end, as in its tree."""

    pieces: list[Piece] = field(default_factory=list['Piece'])
    count: int = 0
    weight: int = 0
    left_out: int = 0

    def add(self, piece: Piece) -> None:
        if isinstance(piece, RunTree):
            self.left_out += piece.left_out
            if self.count + piece.count >= MAX_PIECES:
                self.left_out += piece.count
                piece = RunTree(piece.run)
        count = 1 + (piece.count if isinstance(piece, RunTree) else 0)
        if self.count + count > MAX_PIECES:
            self.left_out += count
            return
        self.pieces.append(piece)
        self.count += count
        self.weight += _weight(piece)


class SlowestRuns:
    """Finds the slowest runs that no other run called, in one pass and bounded memory.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._unfinished: OrderedDict[str, _Unfinished] = OrderedDict()
        self._weight = 0
        self._slowest: list[tuple[float, int, RunTree]] = []
        self._read = 0

    def add(self, record: Record) -> None:
        """Add a record; a run's own comes after those of its requests, tool calls and nested runs."""
        if not isinstance(record, RunRecord):
            self._add_to(record.run_id, record)
            return
        known = self._unfinished.pop(record.run_id, _Unfinished())
        self._weight -= known.weight
        tree = RunTree(record, known.pieces, known.count, known.weight, known.left_out)
        if record.parent_run_id is not None:
            self._add_to(record.parent_run_id, tree)
            return
        self._read += 1
        heapq.heappush(self._slowest, (record.duration or 0.0, -self._read, tree))
        if len(self._slowest) > self._count:
            heapq.heappop(self._slowest)

    def trees(self) -> list[RunTree]:
        """The slowest runs, the slowest first."""
        return [tree for _, _, tree in sorted(self._slowest, key=lambda each: each[:2], reverse=True)]

    def _add_to(self, run_id: str, piece: Piece) -> None:
        found = self._unfinished.setdefault(run_id, _Unfinished())
        before = found.weight
        found.add(piece)
        self._weight += found.weight - before
        while len(self._unfinished) > MAX_UNFINISHED or self._weight > MAX_KEPT:
            _, evicted = self._unfinished.popitem(last=False)
            self._weight -= evicted.weight


def _weight(piece: Piece) -> int:
    if isinstance(piece, RunTree):
        return 1 + piece.weight
    return 1 + (len(piece.parts) if isinstance(piece, ResponseRecord) else 0)
