"""The last 15 minutes, in slots: totals and distributions of runs, models and tools, in bounded memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from streamtap._records.failed import has_failed, was_cancelled
from streamtap._records.known import sum_known
from streamtap._records.sketch import Sketch
from streamtap._sinks.label_cap import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

SLOT_SECONDS = 15.0
SLOTS = 60
MAX_GROUPS = 50
"""How many agents, models or tools of a slot are counted separately; the rest are counted together as one more."""

Key = tuple[str, ...]

Figures = TypeVar('Figures')


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
class Slot:
    """What ended during some seconds, or during several slots."""

    began: float
    runs: Tally = field(default_factory=Tally)
    requests: Tally = field(default_factory=Tally)
    agents: dict[Key, Tally] = field(default_factory=dict[Key, Tally])
    models: dict[Key, Tally] = field(default_factory=dict[Key, Tally])
    tools: dict[Key, Tally] = field(default_factory=dict[Key, Tally])

    def response(self, record: ResponseRecord) -> None:
        """Count a request."""
        self.requests.response(record)
        _group(self.models, (record.provider, record.model)).response(record)

    def run(self, record: RunRecord) -> None:
        """Count a run: for its agent, and unless it is nested, as one that a user asked for."""
        if not record.nested:
            self.runs.run(record)
        _group(self.agents, (record.agent,)).run(record)

    def tool(self, record: ToolRecord) -> None:
        """Count a tool call."""
        _group(self.tools, (record.agent, record.tool, record.kind)).tool(record)

    def absorb(self, other: Slot) -> None:
        """Add what another slot counted."""
        self.runs.absorb(other.runs)
        self.requests.absorb(other.requests)
        for mine, others in ((self.agents, other.agents), (self.models, other.models), (self.tools, other.tools)):
            for key, tally in others.items():
                _group(mine, key).absorb(tally)


class Windows(Generic[Figures]):
    """The slots of the last 15 minutes; the caller holds a lock around every call.

    Args:
        now: The monotonic time.
    """

    def __init__(self, now: float) -> None:
        self._current = Slot(now)
        self._closed: deque[Slot] = deque()
        self._figures: deque[Figures] = deque()
        self._merged: Slot | None = None

    def at(self, now: float) -> Slot:
        """The current slot, which counts what ends now."""
        if now - self._current.began >= SLOT_SECONDS * SLOTS:
            self._closed.clear()
            self._figures.clear()
            self._current, self._merged = Slot(now), None
        while now - self._current.began >= SLOT_SECONDS:
            if len(self._closed) == SLOTS - 1:
                self._closed.popleft()
                if self._figures:
                    self._figures.popleft()
            self._closed.append(self._current)
            self._current, self._merged = Slot(self._current.began + SLOT_SECONDS), None
        return self._current

    def together(self, now: float) -> Slot:
        """All slots merged."""
        current = self.at(now)
        if self._merged is None:
            # Cached until a slot closes: merging sixty slots each time a viewer asks would cost more than measuring.
            self._merged = _merged(self._closed)
        return _merged((self._merged, current))

    def each(self, now: float, figures: Callable[[Slot], Figures]) -> tuple[Figures, ...]:
        """What a function makes of each slot, oldest first; the last slot is still open.

        Args:
            now: The monotonic time.
            figures: The function, always the same one: for a slot that is closed it is called only once.
        """
        current = self.at(now)
        self._figures.extend(figures(slot) for slot in islice(self._closed, len(self._figures), None))
        return (*self._figures, figures(current))


def _merged(slots: Iterable[Slot]) -> Slot:
    together = Slot(0.0)
    for slot in slots:
        together.absorb(slot)
    return together


def _group(groups: dict[Key, Tally], key: Key) -> Tally:
    tally = groups.get(key)
    if tally is None:
        if len(groups) >= MAX_GROUPS:
            key = tuple(OTHER for _ in key)
        tally = groups.setdefault(key, Tally())
    return tally
