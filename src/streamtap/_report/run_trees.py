"""Runs put together from the records of a journal: with their requests, tool calls and the runs that these called."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.records import ResponseRecord, RunRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._records.run_tree import Piece

MAX_UNFINISHED = 10_000
"""How many runs whose end has not been read yet are kept; past it the oldest is given up, as its end may never come."""

MAX_PIECES = 500
"""How many requests, tool calls and nested runs are kept per run, those of its nested runs included."""

MAX_KEPT = 200_000
"""How many of these, and parts of responses, are kept of all runs whose end has not been read yet."""


@dataclass(slots=True)
class _Unfinished:
    """What is known of a run before its end, as in its tree."""

    most: int
    pieces: list[Piece] = field(default_factory=list['Piece'])
    count: int = 0
    weight: int = 0
    left_out: int = 0

    def add(self, piece: Piece) -> None:
        if isinstance(piece, RunTree):
            self.left_out += piece.left_out
            if self.count + piece.count >= self.most:
                self.left_out += piece.count
                piece = RunTree(piece.run)
        count = 1 + (piece.count if isinstance(piece, RunTree) else 0)
        if self.count + count > self.most:
            self.left_out += count
            return
        self.pieces.append(piece)
        self.count += count
        self.weight += _weight(piece)


class RunTrees:
    """Puts runs together, in one pass and bounded memory.

    Args:
        most_pieces: How many requests, tool calls and nested runs are kept per run.
        given_up: Called with what is known of a run that is given up.
    """

    def __init__(
        self, most_pieces: int = MAX_PIECES, given_up: Callable[[Sequence[Piece]], None] | None = None
    ) -> None:
        self._most_pieces = most_pieces
        self._given_up = given_up
        self._unfinished: OrderedDict[str, _Unfinished] = OrderedDict()
        self._weight = 0

    def add(self, record: Record) -> RunTree | None:
        """Add a record; a run's own comes after those of its requests, tool calls and nested runs.

        Returns:
            The whole run, if it is the end of one that no other run called.
        """
        if not isinstance(record, RunRecord):
            self._add_to(record.run_id, record)
            return None
        tree = self.end(record)
        if record.parent_run_id is None:
            return tree
        self._add_to(record.parent_run_id, tree)
        return None

    def end(self, run: RunRecord) -> RunTree:
        """The run with what is known of it, which is then forgotten.

        Args:
            run: Its record.
        """
        known = self._unfinished.pop(run.run_id, None) or _Unfinished(self._most_pieces)
        self._weight -= known.weight
        return RunTree(run, known.pieces, known.count, known.weight, known.left_out)

    def unfinished(self) -> Iterator[Sequence[Piece]]:
        """What is known of each run whose end has not been read, which is then forgotten."""
        while self._unfinished:
            yield self._evict()

    def _add_to(self, run_id: str, piece: Piece) -> None:
        found = self._unfinished.setdefault(run_id, _Unfinished(self._most_pieces))
        before = found.weight
        found.add(piece)
        self._weight += found.weight - before
        while len(self._unfinished) > MAX_UNFINISHED or self._weight > MAX_KEPT:
            evicted = self._evict()
            if self._given_up is not None:
                self._given_up(evicted)

    def _evict(self) -> Sequence[Piece]:
        _, evicted = self._unfinished.popitem(last=False)
        self._weight -= evicted.weight
        return evicted.pieces


def _weight(piece: Piece) -> int:
    if isinstance(piece, RunTree):
        return 1 + piece.weight
    return 1 + (len(piece.parts) if isinstance(piece, ResponseRecord) else 0)
