"""The usage ledger: totals and percentiles per agent, model, tool and label, in bounded memory."""

from __future__ import annotations

import heapq
import threading
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, ClassVar, TypeVar

from streamtap._base.checks import check_whole
from streamtap._base.forks import tell_forks
from streamtap._delivery.sink import BaseSink
from streamtap._records.sketch import Sketch
from streamtap._sinks.label_cap import OTHER, LabelCap
from streamtap._sinks.usage.failures import FailureGroups
from streamtap._sinks.usage.tally import Tally, ToolTally

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._delivery.sink import Attachment
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.sketch import Values
    from streamtap._sinks.usage.summary import UsageSummary

MAX_SLOWEST = 10
"""How many of the slowest runs are kept."""

MAX_GROUPS = 2000
"""How many groups of each kind (agents, models, tools, label values) there can be before new ones become `_other`."""


_Sums = TypeVar('_Sums', Tally, ToolTally)


class _Slowest:
    """The slowest runs, of equally slow ones the earlier."""

    def __init__(self) -> None:
        self._runs: list[tuple[float, int, RunRecord]] = []
        self._added = 0

    def add(self, record: RunRecord) -> None:
        self._added += 1
        entry = (record.duration or 0.0, -self._added, record)
        (heapq.heappush if len(self._runs) < MAX_SLOWEST else heapq.heappushpop)(self._runs, entry)

    def runs(self) -> list[RunRecord]:
        return [record for _, _, record in sorted(self._runs, key=lambda each: each[:2], reverse=True)]


class UsageSink(BaseSink):
    """Keeps the ledger behind `tap.usage`: totals and percentiles since it was created or reset, and the last runs.

    Args:
        recent_runs: How many of the last runs the summary lists. Default 50.

    Raises:
        ValueError: If `recent_runs` is below 0.
    """

    inline: ClassVar[bool] = True

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
            if record.tool_result_tokens is not None and record.tool_results_of is not None:
                self._fill(agent, self._cap('tool', record.tool_results_of), record.tool_result_tokens)

    def run_ended(self, record: RunRecord) -> None:
        """Add a run to the ledger."""
        with self._lock:
            self._recent.append(record)
            if not record.nested:
                self._slowest.add(record)
            self._of(self._agents, (self._cap('agent', record.agent),)).run(record)
            labels = (self._of(self._labels, (name, self._cap(name, value))) for name, value in record.labels.items())
            for tally in (self._total, *labels):
                # What a user asked for is one run, whatever it called.
                (tally.called if record.nested else tally.run)(record)
            if not record.nested:
                self._failures.add(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Add a tool call to the ledger."""
        with self._lock:
            key = (self._cap('agent', record.agent), self._cap('tool', record.tool), record.kind)
            self._of(self._tools, key, ToolTally).add(record)

    def reset(self) -> None:
        """Start over: everything so far is forgotten."""
        self._catch_up()
        with self._lock:
            self._start()
            self._recent.clear()

    def summary(self) -> UsageSummary:
        """The summary of everything so far: print it for tables, call `.model_dump_json()` for JSON."""
        # Imported only here: its models take a while to make.
        from streamtap._sinks.usage.summing import Sums, summary_of

        self._catch_up()
        with self._lock:
            return summary_of(
                Sums(
                    total=self._total,
                    agents=self._agents,
                    models=self._models,
                    tools=self._tools,
                    results=self._results,
                    no_calls=ToolTally(self._new_values),
                    labels=self._labels,
                    failures=self._failures.groups(),
                    recent=tuple(self._recent),
                    slowest=self._slowest.runs(),
                )
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
        self._slowest = _Slowest()
        self._total = Tally(self._new_values)
        self._agents: dict[tuple[str, ...], Tally] = {}
        self._models: dict[tuple[str, ...], Tally] = {}
        self._tools: dict[tuple[str, ...], ToolTally] = {}
        self._results: Counter[tuple[str, str]] = Counter()
        self._labels: dict[tuple[str, ...], Tally] = {}
        self._failures = FailureGroups(MAX_GROUPS)

    def _new_values(self) -> Values:
        """What collects values for quantiles: in bounded memory, as a process may go on for ever."""
        return Sketch()

    def _of(self, groups: dict[tuple[str, ...], _Sums], key: tuple[str, ...], make: type[_Sums] = Tally) -> _Sums:
        tally = groups.get(key)
        if tally is None:
            if len(groups) >= self._max_groups:
                key = tuple(OTHER for _ in key)
            tally = groups.setdefault(key, make(self._new_values))
        return tally

    def _fill(self, agent: str, tool: str, tokens: int) -> None:
        key = (agent, tool)
        if key not in self._results and len(self._results) >= self._max_groups:
            key = (OTHER, OTHER)
        self._results[key] += tokens
