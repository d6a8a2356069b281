"""The sink that gives each case of an evaluation its own figures."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from streamtap._base.forks import tell_forks
from streamtap._budgets.measured import Measured
from streamtap._delivery.sink import BaseSink
from streamtap.evals._case import current_case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart
    from streamtap.evals._case import Case

ATTRIBUTE = 'streamtap'
"""The attribute of a case that holds what was measured."""

METRICS: Mapping[str, str] = {
    'streamtap.first_output_seconds': 'first_output',
    'streamtap.run_seconds': 'run',
    'streamtap.stall_seconds': 'stall',
    'streamtap.tokens_per_second': 'tokens_per_second',
    'streamtap.cost_usd': 'cost',
    'streamtap.requests': 'requests',
    'streamtap.tool_calls': 'tool_calls',
    'streamtap.repeated_tool_calls': 'repeated_tool_calls',
    'streamtap.objective_missed': 'objective_missed',
    'streamtap.context_used': 'context_used',
    'streamtap.cache_missed_tokens': 'cache_missed_tokens',
    'streamtap.input_tokens': 'input_tokens',
    'streamtap.output_tokens': 'output_tokens',
}
"""The metrics of a case, and the figures that they are; pydantic-evals' own `requests` and `cost` are others."""


class EvalSink(BaseSink):
    """Writes what the runs of a case took among that case's metrics: `Tap([*default_sinks(), EvalSink()])`.

    Several runs of a case are taken together: tokens, cost, requests and tool calls are summed, and of the times the
    longest counts, of the speeds the lowest. Runs that other runs called are included, but for a run's time and its
    first output, which nobody waits for. A figure of which a part is not known is absent, and the case's attribute
    `streamtap` says why. Outside an evaluation the sink does nothing.

    Raises:
        ImportError: If this release of pydantic-evals keeps the case that it evaluates where the sink does not look.
    """

    inline: ClassVar[bool] = True

    def __init__(self) -> None:
        self._current_case = current_case()
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Forget the open runs, which are the parent's, and the lock, which one of its threads may hold."""
        self._lock = threading.RLock()
        self._open: dict[str, tuple[Case, Measured]] = {}

    def run_started(self, start: RunStart) -> None:
        """Note which case the run belongs to: where it ends may be another task."""
        case = self._current_case()
        if case is None:
            return
        with self._lock:
            measured = case.attributes.get(ATTRIBUTE)
            if not isinstance(measured, Measured):
                case.attributes[ATTRIBUTE] = measured = Measured()
            # Another tap may measure the same run, with a sink of its own.
            if start.run_id not in measured.open:
                measured.run_started(start)
                self._open[start.run_id] = case, measured

    def response_ended(self, record: ResponseRecord) -> None:
        """Add a response to its case."""
        with self._lock:
            if (found := self._open.get(record.run_id)) is not None:
                found[1].response_ended(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Add a tool call to its case."""
        with self._lock:
            if (found := self._open.get(record.run_id)) is not None:
                found[1].tool_ended(record)

    def run_ended(self, record: RunRecord) -> None:
        """Add a run to its case, and write the case's metrics."""
        with self._lock:
            if (found := self._open.pop(record.run_id, None)) is not None:
                case, measured = found
                measured.run_ended(record)
                _write(measured, case.metrics)


def _write(measured: Measured, metrics: dict[str, int | float]) -> None:
    for name, figure in METRICS.items():
        value = measured.whole(figure)
        if value is None:
            metrics.pop(name, None)
        else:
            metrics[name] = value
