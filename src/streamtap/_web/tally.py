"""What is counted of some runs, requests or tool calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._display.verdict import MOST
from streamtap._records.caches import says_of_cache
from streamtap._records.failed import has_failed, was_cancelled
from streamtap._records.known import greatest_known, sum_known
from streamtap._records.sketch import Sketch
from streamtap._sinks.label_cap import OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

MAX_CALLED = 5
"""How many agents that a tool called are told apart; the rest are one more."""


@dataclass(slots=True)
class Tally:
    """The sums and distributions of one group in one slot.

    `first` is the time to first output of runs that are not nested, and the time to first token of requests; only requests
    have a `speed`, and some of them are `unmeasured`: tokens and cost lack something. `interrupted` are those of them that ended
    before their usage was told, and tool calls that were stopped. `repeated` are tool calls that repeated two
    or more before them, `fullest_context` is the highest share of a context window, and of the runs that are `counted` for an
    objective some have `met` it. `has_cache` is whether the provider said anything of a cache. `total_cost_usd` is what runs cost
    with those that they called. Of the `seconds` that tool calls took, `called_seconds` were in runs that they called, by agent.
    """

    count: int = 0
    nested: int = 0
    failed: int = 0
    cancelled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    streamed: int = 0
    unmeasured: int = 0
    interrupted: int = 0
    retried: int = 0
    unpriced: int = 0
    unnamed_agents: int = 0
    cost_usd: float | None = None
    total_cost_usd: float | None = None
    stalls: int = 0
    stall_seconds: float = 0.0
    repeated: int = 0
    counted: int = 0
    met: int = 0
    fullest_context: float | None = None
    cache_read_tokens: int = 0
    has_cache: bool = False
    seconds: float = 0.0
    called_seconds: dict[str, float] = field(default_factory=dict[str, float])
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
        self.interrupted += other.interrupted
        self.retried += other.retried
        self.stalls += other.stalls
        self.stall_seconds += other.stall_seconds
        self.unpriced += other.unpriced
        self.unnamed_agents = max(self.unnamed_agents, other.unnamed_agents)
        self.cost_usd = sum_known(self.cost_usd, other.cost_usd)
        self.total_cost_usd = sum_known(self.total_cost_usd, other.total_cost_usd)
        self.repeated += other.repeated
        self.counted += other.counted
        self.met += other.met
        self.fullest_context = greatest_known(self.fullest_context, other.fullest_context)
        self.cache_read_tokens += other.cache_read_tokens
        self.has_cache |= other.has_cache
        self.seconds += other.seconds
        self._call(other.called_seconds)
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
        self.interrupted += record.unmeasured == 'interrupted'
        self.stalls += record.stalls
        self.stall_seconds += record.stall_seconds
        self.unpriced += record.usage_reported and record.cost_usd is None
        self.fullest_context = greatest_known(self.fullest_context, record.context_used)
        self.cache_read_tokens += record.cache_read_tokens or 0
        self.has_cache |= says_of_cache(record.cache_read_tokens, record.cache_write_tokens, record.cache_missed_tokens)
        self._spend(record.input_tokens, record.output_tokens, record.cost_usd)

    def run(self, record: RunRecord) -> None:
        """Count a run."""
        self.count += 1
        self.nested += record.nested
        self.unnamed_agents = max(self.unnamed_agents, record.unnamed_agents)
        self.failed += has_failed(record)
        self.cancelled += was_cancelled(record)
        self.repeated += record.loops.calls
        self.fullest_context = greatest_known(self.fullest_context, record.context_used)
        if not record.nested:
            self.first.add(record.time_to_first_output)
            self.counted += record.objective_met is not None
            self.met += record.objective_met is True
        self.duration.add(record.duration)
        self._spend(record.input_tokens, record.output_tokens, record.cost_usd)
        self.total_cost_usd = sum_known(self.total_cost_usd, record.total_cost_usd)

    def tool(self, record: ToolRecord, called: Mapping[str, float]) -> None:
        """Count a tool call, of whose seconds so many were in runs of other agents."""
        self.count += 1
        self.failed += has_failed(record)
        self.retried += record.outcome == 'retried'
        self.interrupted += record.outcome == 'interrupted'
        self.duration.add(record.duration)
        self.repeated += record.repeated
        self.seconds += record.duration or 0.0
        self._call(called)

    @property
    def objective_share(self) -> float | None:
        """The share of the runs that count which met their objective; `None` if none counts."""
        return self.met / self.counted if self.counted else None

    @property
    def cache_hit_share(self) -> float | None:
        """The share of the input tokens that were read from a cache; `None` where nothing was said of one."""
        return self.cache_read_tokens / self.input_tokens if self.has_cache and self.input_tokens else None

    @property
    def calls(self) -> list[str]:
        """The agents in whose runs most of the tool's time was, longest first; none if that was its own."""
        if sum(self.called_seconds.values()) <= MOST * self.seconds:
            return []
        return sorted(self.called_seconds, key=self.called_seconds.__getitem__, reverse=True)

    def _call(self, called: Mapping[str, float]) -> None:
        for agent, seconds in called.items():
            known = agent in self.called_seconds or len(self.called_seconds) < MAX_CALLED
            name = agent if known else OTHER
            self.called_seconds[name] = self.called_seconds.get(name, 0.0) + seconds

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
