"""The records of the runs that are chosen, found in one pass and bounded memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._records.records import RunRecord
from streamtap._records.run_tree import RunTree
from streamtap._report.known_names import Known
from streamtap._report.run_trees import MAX_KEPT, MAX_UNFINISHED, RunTrees

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._records.run_tree import Piece
    from streamtap._report.choice import Choice


class Selection:
    """Finds the runs that are chosen, and all that these called.

    Which runs are chosen is known when the outermost run has ended, and until then its records are kept.

    Args:
        choice: Which are.
    """

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self.read = 0
        """How many records there were."""
        self.runs = 0
        """How many runs were chosen, without those that they called."""
        self.called = 0
        """How many of them another run called."""
        self.unfinished = 0
        """Of how many requests and tool calls the end of their run has not been read, so that it cannot be told."""
        self.given_up = 0
        """Of how many it could not be told because too much was in progress at once."""
        self.known = Known(choice)
        """What names there are."""
        self._decided: dict[str, bool] = {}

    def of(self, records: Iterable[Record]) -> Iterator[Record]:
        """Those of some records that are chosen; a run's own comes after those of all that it did.

        A run that is chosen counts as one that no other run called. If one did, it has no blank screen: nobody saw it.
        """
        if self.choice.is_everything:
            for record in records:
                self.read += 1
                yield record
            return
        given_up: list[Sequence[Piece]] = []
        # One more than is kept at all: nothing is left out of a run but by giving it up.
        trees = RunTrees(MAX_KEPT + 1, given_up.append)
        for record in records:
            self.read += 1
            self.known.add(record)
            if isinstance(record, RunRecord) and record.parent_run_id in self._decided:
                # It ended after the run that called it.
                yield from self._decide(trees.end(record), is_chosen=self._decided[record.parent_run_id])
            elif not self._is_too_early(record) and (tree := trees.add(record)) is not None:
                yield from self._decide(tree)
            while given_up:
                self.given_up += yield from self._ended_in(given_up.pop())
        for pieces in trees.unfinished():
            self.unfinished += yield from self._ended_in(pieces)

    def notes(self) -> list[str]:
        """What is to be known of what was chosen, a sentence for each."""
        found: list[str] = []
        if self.called:
            found.append(
                f'{self._who_was()} called by another run: nobody saw a blank screen, so there is no time of one.'
            )
        if self.unfinished:
            found.append(
                f'Requests and tool calls left out: {self.unfinished:,} (their run has no end in the journal, so that it '
                'cannot be told whether it is meant)'
            )
        if self.given_up:
            found.append(
                f'Requests and tool calls left out: {self.given_up:,} (more than {MAX_KEPT:,} were of runs that had not '
                'ended yet)'
            )
        return found

    def _who_was(self) -> str:
        if self.called == self.runs:
            return 'It was' if self.runs == 1 else f'All {self.runs:,} runs were'
        return f'Of these {self.runs:,} runs, {self.called:,} {"was" if self.called == 1 else "were"}'

    def _is_too_early(self, record: Record) -> bool:
        # All runs that it is part of began before it.
        since = self.choice.since_ns
        return since is not None and not isinstance(record, RunRecord) and record.started_ns < since

    def _decide(self, tree: RunTree, *, is_chosen: bool = False) -> Iterator[Record]:
        """The records of the runs that are chosen, of this one and those that it called.

        Args:
            tree: The run.
            is_chosen: Whether a run that called it is.
        """
        waiting = [tree]
        while waiting:
            # Not by recursion: runs can be nested more deeply than calls.
            each = waiting.pop()
            if is_chosen:
                yield from self._all_of(each)
            elif self.choice.takes(each.run):
                self.runs += 1
                self.called += each.run.nested
                yield from self._all_of(replace(each, run=as_outermost(each.run)))
            else:
                self._remember(each.run, is_chosen=False)
                waiting += [nested for nested in each.pieces[::-1] if isinstance(nested, RunTree)]

    def _all_of(self, tree: RunTree) -> Iterator[Record]:
        for record in _records_of(tree):
            if isinstance(record, RunRecord):
                self._remember(record, is_chosen=True)
            yield record

    def _remember(self, run: RunRecord, *, is_chosen: bool) -> None:
        self._decided[run.run_id] = is_chosen
        if len(self._decided) > MAX_UNFINISHED:
            self._decided.pop(next(iter(self._decided)))

    def _ended_in(self, pieces: Sequence[Piece]) -> Generator[Record, None, int]:
        """The records of the chosen runs that a run called whose own end is not known.

        Returns:
            How many requests and tool calls are not among them.
        """
        undecided = 0
        for piece in pieces:
            if not isinstance(piece, RunTree):
                undecided += 1
            elif self.choice.is_nested_too:
                yield from self._decide(piece)
            else:
                undecided += sum(not isinstance(each, RunRecord) for each in _records_of(piece))
        return undecided


def as_outermost(run: RunRecord) -> RunRecord:
    """A run as if no other one had called it; it still has no blank screen, because nobody saw one."""
    if not run.nested:
        return run
    return replace(run, parent_run_id=None, parent_tool_call_id=None, time_to_first_output=None)


def _records_of(tree: RunTree) -> Iterator[Record]:
    """The records of a run, its own last, and so of each run that it called."""
    waiting: list[Piece | RunRecord] = [tree]
    while waiting:
        piece = waiting.pop()
        if isinstance(piece, RunTree):
            waiting.append(piece.run)
            waiting += piece.pieces[::-1]
        else:
            yield piece
