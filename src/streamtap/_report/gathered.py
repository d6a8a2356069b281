"""Everything that a report shows of some journals, gathered in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.records import ResponseRecord, RunRecord
from streamtap._report.owners import owners_of
from streamtap._report.run_trees import SlowestRuns
from streamtap._report.samples import Samples
from streamtap._sinks.usage.ledger import UsageSink

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._records.as_json import Record
    from streamtap._report.owners import Owners

SLOWEST = 10
"""How many of the slowest runs are drawn."""


class Gathered:
    """The figures of some records.

    Args:
        records: The records.
        names: The names of the journals they come from, for headings.
        owners: Tells whose values a record has.
    """

    def __init__(self, records: Iterable[Record], names: str, owners: Owners = owners_of) -> None:
        self.names = names
        self.count = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.samples = Samples(owners)
        self.cost_usd: dict[tuple[str, str], float] = {}
        """The cost by agent and model."""
        self._usage = UsageSink()
        self._slowest = SlowestRuns(SLOWEST)
        for record in records:
            self._add(record)
        self.summary = self._usage.summary()
        self.slowest = self._slowest.trees()

    def _add(self, record: Record) -> None:
        self.count += 1
        ended_ns = record.started_ns + round((record.duration or 0.0) * 1e9)
        self.first_ns = record.started_ns if self.first_ns is None else min(self.first_ns, record.started_ns)
        self.last_ns = ended_ns if self.last_ns is None else max(self.last_ns, ended_ns)
        self.samples.add(record)
        self._slowest.add(record)
        if isinstance(record, RunRecord):
            self._usage.run_ended(record)
        elif isinstance(record, ResponseRecord):
            self._usage.response_ended(record)
            if record.cost_usd is not None:
                spender = record.agent, f'{record.provider}:{record.model}'
                self.cost_usd[spender] = self.cost_usd.get(spender, 0.0) + record.cost_usd
        else:
            self._usage.tool_ended(record)
