"""Everything that a report shows of some journals, gathered in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.records import ResponseRecord, RunRecord
from streamtap._report.choice import EVERYTHING
from streamtap._report.exact import ExactUsage
from streamtap._report.failures import FailedRuns
from streamtap._report.over_time import slots, tail_of
from streamtap._report.owners import owners_of
from streamtap._report.run_trees import RunTrees
from streamtap._report.samples import Samples
from streamtap._report.selection import Selection
from streamtap._report.slowest import SlowestRuns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamtap._display.grid import Grid
    from streamtap._records.as_json import Record
    from streamtap._records.run_tree import RunTree
    from streamtap._report.choice import Choice
    from streamtap._report.over_time import Slots
    from streamtap._report.owners import Owners
    from streamtap._report.quantities import Quantity

SLOWEST = 10
"""How many of the slowest runs are drawn."""


MOST_DRAWN = 3
"""Of how many kinds of failures a run is drawn."""


class Gathered:
    """The figures of some records.

    Args:
        records: The records.
        names: The names of the journals they come from, for headings.
        owners: Tells whose values a record has.
        choice: Which runs are looked at. Default: all.
    """

    def __init__(
        self, records: Iterable[Record], names: str, owners: Owners = owners_of, choice: Choice = EVERYTHING
    ) -> None:
        self.names = names
        self.selection = Selection(choice)
        self.count = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.samples = Samples(owners)
        self.cost_usd: dict[tuple[str, str], float] = {}
        """The cost by agent and model."""
        self._usage = ExactUsage()
        self._trees = RunTrees()
        self._slowest = SlowestRuns(SLOWEST)
        self._failed = FailedRuns()
        for record in self.selection.of(records):
            self._add(record)
        self.samples.complete()
        self.summary = self._usage.summary()
        self.slowest = self._slowest.trees()

    def over_time(self, quantity: Quantity) -> Slots:
        """The values of a quantity over time."""
        return slots(self.samples.timed(quantity), tail_of(quantity))

    @property
    def single(self) -> RunTree | None:
        """The run, if a single one is looked at."""
        return self.slowest[0] if self.selection.choice.run is not None and self.slowest else None

    @property
    def examples(self) -> Sequence[tuple[RunTree, int]]:
        """The runs that are drawn for the most frequent failures, each with how many it stands for."""
        groups = ((self._failed.example(each), each.runs) for each in self.summary.failures[:MOST_DRAWN])
        return [(tree, runs) for tree, runs in groups if tree is not None]

    def notes(self, grids: Sequence[Grid]) -> list[str]:
        """What is missing, left out or may be too low in some tables, and why, a sentence for each reason."""
        return [*self.selection.notes(), *self.summary.notes(grids, called=self.selection.called)]

    def _add(self, record: Record) -> None:
        self.count += 1
        ended_ns = record.started_ns + round((record.duration or 0.0) * 1e9)
        self.first_ns = record.started_ns if self.first_ns is None else min(self.first_ns, record.started_ns)
        self.last_ns = ended_ns if self.last_ns is None else max(self.last_ns, ended_ns)
        self.samples.add(record)
        if (tree := self._trees.add(record)) is not None:
            self._slowest.add(tree)
            self._failed.add(tree)
        if isinstance(record, RunRecord):
            self._usage.run_ended(record)
        elif isinstance(record, ResponseRecord):
            self._usage.response_ended(record)
            if record.cost_usd is not None:
                spender = record.agent, f'{record.provider}:{record.model}'
                self.cost_usd[spender] = self.cost_usd.get(spender, 0.0) + record.cost_usd
        else:
            self._usage.tool_ended(record)
