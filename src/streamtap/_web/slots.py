"""What ended during some seconds, counted by agent, model, tool, label and error, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._web.errors import Occurrences, error_key
from streamtap._web.groups import Key, group
from streamtap._web.tally import Listed, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import FailureRecord, ResponseRecord, RunRecord, ToolRecord

MAX_LABELS = 4
"""How many of the user's labels have a table: the first ones."""


@dataclass(slots=True)
class Slot:
    """What ended during some seconds, or during several slots."""

    began: float
    runs: Tally = field(default_factory=Tally)
    requests: Tally = field(default_factory=Tally)
    listed: Listed = field(default_factory=Listed)
    agents: dict[Key, Tally] = field(default_factory=dict[Key, Tally])
    models: dict[Key, Tally] = field(default_factory=dict[Key, Tally])
    tools: dict[Key, Tally] = field(default_factory=dict[Key, Tally])
    labels: dict[str, dict[Key, Tally]] = field(default_factory=dict[str, dict[Key, Tally]])
    errors: dict[Key, Occurrences] = field(default_factory=dict[Key, Occurrences])

    def response(self, record: ResponseRecord) -> None:
        """Count a request."""
        self.requests.response(record)
        group(self.models, (record.provider, record.model), Tally).response(record)

    def run(self, record: RunRecord) -> None:
        """Count a run: for its agent, and unless it is nested, as one that a user asked for, with its labels."""
        group(self.agents, (record.agent,), Tally).run(record)
        if record.nested:
            return
        self.runs.run(record)
        for name, value in record.labels.items():
            if (values := self._values(name)) is not None:
                group(values, (value,), Tally).run(record)

    def tool(self, record: ToolRecord, called: Mapping[str, float]) -> None:
        """Count a tool call, of whose seconds so many were in runs of other agents."""
        group(self.tools, (record.agent, record.tool, record.kind), Tally).tool(record, called)

    def error(self, failed: FailureRecord, at: float) -> None:
        """Count why a run failed."""
        group(self.errors, error_key(failed), Occurrences).add(at, failed.step)

    def absorb(self, other: Slot) -> None:
        """Add what another slot counted."""
        self.runs.absorb(other.runs)
        self.requests.absorb(other.requests)
        self.listed.absorb(other.listed)
        _absorb(self.agents, other.agents)
        _absorb(self.models, other.models)
        _absorb(self.tools, other.tools)
        for name, values in other.labels.items():
            if (mine := self._values(name)) is not None:
                _absorb(mine, values)
        for key, seen in other.errors.items():
            group(self.errors, key, Occurrences).absorb(seen)

    def _values(self, label: str) -> dict[Key, Tally] | None:
        if label not in self.labels and len(self.labels) >= MAX_LABELS:
            return None
        return self.labels.setdefault(label, {})


def _absorb(mine: dict[Key, Tally], others: dict[Key, Tally]) -> None:
    for key, tally in others.items():
        group(mine, key, Tally).absorb(tally)
