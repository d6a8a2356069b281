"""The usage ledger: totals and percentiles per agent, model, tool and label, in bounded memory."""

from __future__ import annotations

import threading
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, Any, ClassVar

from streamtap._base.checks import check_whole
from streamtap._base.forks import tell_forks
from streamtap._base.names import clean
from streamtap._delivery.sink import BaseSink
from streamtap._records.failed import has_failed
from streamtap._records.known import sum_known
from streamtap._records.sketch import Sketch
from streamtap._sinks.label_cap import LabelCap
from streamtap._sinks.usage.summary import (
    AgentUsage,
    LabelUsage,
    ModelUsage,
    RecentRun,
    RunsUsage,
    ToolUsage,
    UsageSummary,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._delivery.sink import Attachment
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.sketch import Values

MAX_GROUPS = 2000
"""How many groups of each kind (agents, models, tools, label values) there can be before new ones become `_other`."""


class _Tally:
    """The running sums of one group.

    Args:
        values: What collects values for quantiles.
    """

    def __init__(self, values: Callable[[], Values]) -> None:
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.cost_usd: float | None = None
        self.ttft = values()
        self.speed = values()
        self.first_output = values()
        self.duration = values()
        self.total_cost_usd: float | None = None
        self.unnamed_agents = 0

    def response(self, record: ResponseRecord) -> None:
        counts = self.counts
        counts['requests'] += 1
        counts['failed_requests'] += has_failed(record)
        counts['streamed_requests'] += record.streamed
        counts['input_tokens'] += record.input_tokens or 0
        counts['output_tokens'] += record.output_tokens or 0
        counts['cache_read_tokens'] += record.cache_read_tokens or 0
        counts['cache_write_tokens'] += record.cache_write_tokens or 0
        counts['reasoning_tokens'] += record.reasoning_tokens or 0
        counts['unmeasured_responses'] += record.unmeasured is not None
        counts['interrupted_responses'] += record.unmeasured == 'interrupted'
        counts['unpriced_responses'] += record.usage_reported and record.cost_usd is None
        self.cost_usd = sum_known(self.cost_usd, record.cost_usd)
        self.ttft.add(record.time_to_first_token)
        self.speed.add(record.output_tokens_per_second)

    def run(self, record: RunRecord) -> None:
        self.called(record)
        self.counts['runs'] += 1
        self.outcomes[record.outcome] += 1
        self.duration.add(record.duration)
        self.total_cost_usd = sum_known(self.total_cost_usd, record.total_cost_usd)
        if not record.nested:
            self.first_output.add(record.time_to_first_output)

    def called(self, record: RunRecord) -> None:
        """Count what a run did, nested or not."""
        self.counts['nested_runs'] += record.nested
        self.unnamed_agents = max(self.unnamed_agents, record.unnamed_agents)
        self.counts['tool_calls'] += record.tool_calls
        self.counts['output_retries'] += record.output_retries

    def usage(self) -> dict[str, Any]:
        return {
            **{name: count for name, count in self.counts.items() if name not in _OF_RUNS},
            'cost_usd': self.cost_usd,
            'time_to_first_token_p50': self.ttft.quantile(0.5),
            'time_to_first_token_p95': self.ttft.quantile(0.95),
            'output_tokens_per_second_p50': self.speed.quantile(0.5),
            'output_tokens_per_second_p95': self.speed.quantile(0.95),
        }

    def runs_usage(self) -> dict[str, Any]:
        return {
            **self.usage(),
            **{name: self.counts[name] for name in _OF_RUNS},
            'outcomes': dict(self.outcomes),
            'total_cost_usd': self.total_cost_usd,
            'runs_with_output': self.first_output.count,
            'time_to_first_output_p50': self.first_output.quantile(0.5),
            'time_to_first_output_p95': self.first_output.quantile(0.95),
            'run_duration_p50': self.duration.quantile(0.5),
            'run_duration_p95': self.duration.quantile(0.95),
        }


_OF_RUNS = ('runs', 'nested_runs', 'tool_calls', 'output_retries')


class UsageSink(BaseSink):
    """Keeps the ledger behind `tap.usage`: totals and percentiles since it was created or reset, and the last runs.

    Args:
        recent_runs: How many of the last runs the summary lists. Default 50.

    Raises:
        ValueError: If `recent_runs` is below 0.
    """

    inline: ClassVar[bool] = True
    batched: bool = True

    def __init__(self, *, recent_runs: int = 50) -> None:
        check_whole('recent_runs', recent_runs, at_least=0)
        self._lock = threading.RLock()
        self._recent: deque[RunRecord] = deque(maxlen=recent_runs)
        self._cap = LabelCap(MAX_GROUPS, lambda _: None)
        self._max_groups = MAX_GROUPS
        self._catch_ups: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._start()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which may be held; the totals continue from the parent's."""
        self._lock = threading.RLock()

    def attached(self, attachment: Attachment) -> None:
        """Cap label values as the tap does."""
        if self._cap.limit != attachment.max_label_values:
            self._cap = LabelCap(attachment.max_label_values, lambda _: None)
        # Weak: a ledger that is kept does not keep the tap.
        self._catch_ups = [catch_up for catch_up in self._catch_ups if catch_up() is not None]
        self._catch_ups.append(weakref.WeakMethod(attachment.catch_up))

    def detached(self, attachment: Attachment) -> None:
        """Ask this tap for nothing more."""
        self._catch_ups = [catch_up for catch_up in self._catch_ups if catch_up() not in (None, attachment.catch_up)]

    def response_ended(self, record: ResponseRecord) -> None:
        """Add a response to the ledger."""
        with self._lock:
            agent, model = self._cap('agent', record.agent), self._cap('model', record.model)
            for tally in (
                self._total,
                self._of(self._agents, (agent,)),
                self._of(self._models, (self._cap('provider', record.provider), model)),
                *(self._of(self._labels, (name, self._cap(name, value))) for name, value in record.labels.items()),
            ):
                tally.response(record)

    def run_ended(self, record: RunRecord) -> None:
        """Add a run to the ledger."""
        with self._lock:
            self._recent.append(record)
            self._of(self._agents, (self._cap('agent', record.agent),)).run(record)
            labels = (self._of(self._labels, (name, self._cap(name, value))) for name, value in record.labels.items())
            for tally in (self._total, *labels):
                # What a user asked for is one run, whatever it called.
                (tally.called if record.nested else tally.run)(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Add a tool call to the ledger."""
        with self._lock:
            key = (self._cap('agent', record.agent), self._cap('tool', record.tool), record.kind)
            tally = self._of(self._tools, key)
            tally.outcomes[record.outcome] += 1
            tally.duration.add(record.duration)

    def reset(self) -> None:
        """Start over: everything so far is forgotten."""
        self._catch_up()
        with self._lock:
            self._start()
            self._recent.clear()

    def summary(self) -> UsageSummary:
        """The summary of everything so far: print it for tables, call `.model_dump_json()` for JSON."""
        self._catch_up()
        with self._lock:
            return UsageSummary(
                total=RunsUsage(**self._total.runs_usage()),
                agents=tuple(
                    AgentUsage(agent=key[0], unnamed_agents=t.unnamed_agents, **t.runs_usage())
                    for key, t in sorted(self._agents.items())
                ),
                models=tuple(
                    ModelUsage(provider=key[0], model=key[1], **t.usage()) for key, t in sorted(self._models.items())
                ),
                tools=tuple(_tool(key, tally) for key, tally in sorted(self._tools.items())),
                labels=tuple(
                    LabelUsage(label=key[0], value=key[1], **t.runs_usage()) for key, t in sorted(self._labels.items())
                ),
                recent_runs=tuple(_recent(record) for record in self._recent),
            )

    def _catch_up(self) -> None:
        """Have the taps report the runs that are over."""
        for held in list(self._catch_ups):
            if (catch_up := held()) is not None:
                catch_up()

    def print(self) -> None:
        """Print the summary as tables."""
        print(self.summary())

    def _start(self) -> None:
        self._total = _Tally(self._new_values)
        self._agents: dict[tuple[str, ...], _Tally] = {}
        self._models: dict[tuple[str, ...], _Tally] = {}
        self._tools: dict[tuple[str, ...], _Tally] = {}
        self._labels: dict[tuple[str, ...], _Tally] = {}

    def _new_values(self) -> Values:
        """What collects values for quantiles: in bounded memory, as a process may go on for ever."""
        return Sketch()

    def _of(self, groups: dict[tuple[str, ...], _Tally], key: tuple[str, ...]) -> _Tally:
        tally = groups.get(key)
        if tally is None:
            if len(groups) >= self._max_groups:
                key = tuple('_other' for _ in key)
            tally = groups.setdefault(key, _Tally(self._new_values))
        return tally


def _tool(key: tuple[str, ...], tally: _Tally) -> ToolUsage:
    return ToolUsage(
        agent=key[0],
        tool=key[1],
        kind=key[2],
        calls=sum(tally.outcomes.values()),
        outcomes=dict(tally.outcomes),
        duration_p50=tally.duration.quantile(0.5),
        duration_p95=tally.duration.quantile(0.95),
    )


def _recent(record: RunRecord) -> RecentRun:
    # A journal's records may not be those of a tap.
    fields: dict[str, Any] = {name: getattr(record, name) for name in RecentRun.model_fields}
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = clean(value)
    return RecentRun(**fields)
