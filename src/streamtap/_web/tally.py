"""What is counted of some runs, requests or tool calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.failed import has_failed, was_cancelled
from streamtap._records.known import sum_known
from streamtap._records.sketch import Sketch

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord


@dataclass(slots=True)
class Tally:
    """The sums and distributions of one group in one slot.

    `first` is the time to first output of runs that are not nested, and the time to first token of requests; only requests
    have a `speed`, and some of them are `unmeasured`: tokens and cost lack something. `total_cost_usd` is what runs cost
    with those that they called.
    """

    count: int = 0
    nested: int = 0
    failed: int = 0
    cancelled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    streamed: int = 0
    unmeasured: int = 0
    unpriced: int = 0
    unnamed_agents: int = 0
    cost_usd: float | None = None
    total_cost_usd: float | None = None
    first: Sketch = field(default_factory=Sketch)
    speed: Sketch = field(default_factory=Sketch)
    duration: Sketch = field(default_factory=Sketch)

    def absorb(self, other: Tally) -> None:
        """Add what another tally of the same group counted."""
        self.count += other.count
        self.nested += other.nested
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.streamed += other.streamed
        self.unmeasured += other.unmeasured
        self.unpriced += other.unpriced
        self.unnamed_agents = max(self.unnamed_agents, other.unnamed_agents)
        self.cost_usd = sum_known(self.cost_usd, other.cost_usd)
        self.total_cost_usd = sum_known(self.total_cost_usd, other.total_cost_usd)
        self.first.absorb(other.first)
        self.speed.absorb(other.speed)
        self.duration.absorb(other.duration)

    def response(self, record: ResponseRecord) -> None:
        """Count a request."""
        self.count += 1
        self.failed += has_failed(record)
        self.cancelled += was_cancelled(record)
        self.first.add(record.time_to_first_token)
        self.speed.add(record.output_tokens_per_second)
        self.streamed += record.streamed
        self.unmeasured += record.unmeasured is not None
        self.unpriced += record.usage_reported and record.cost_usd is None
        self._spend(record.input_tokens, record.output_tokens, record.cost_usd)

    def run(self, record: RunRecord) -> None:
        """Count a run."""
        self.count += 1
        self.nested += record.nested
        self.unnamed_agents = max(self.unnamed_agents, record.unnamed_agents)
        self.failed += has_failed(record)
        self.cancelled += was_cancelled(record)
        if not record.nested:
            self.first.add(record.time_to_first_output)
        self.duration.add(record.duration)
        self._spend(record.input_tokens, record.output_tokens, record.cost_usd)
        self.total_cost_usd = sum_known(self.total_cost_usd, record.total_cost_usd)

    def tool(self, record: ToolRecord) -> None:
        """Count a tool call."""
        self.count += 1
        self.failed += has_failed(record)
        self.duration.add(record.duration)

    def _spend(self, input_tokens: int | None, output_tokens: int | None, cost_usd: float | None) -> None:
        self.input_tokens += input_tokens or 0
        self.output_tokens += output_tokens or 0
        self.cost_usd = sum_known(self.cost_usd, cost_usd)


@dataclass(slots=True)
class Listed:
    """How many runs were added to the lists of the page: those that no open run had called."""

    runs: int = 0
    failed: int = 0
    cancelled: int = 0

    def add(self, record: RunRecord) -> None:
        """Count a run."""
        self.runs += 1
        self.failed += has_failed(record)
        self.cancelled += was_cancelled(record)

    def absorb(self, other: Listed) -> None:
        """Add what another one counted."""
        self.runs += other.runs
        self.failed += other.failed
        self.cancelled += other.cancelled
