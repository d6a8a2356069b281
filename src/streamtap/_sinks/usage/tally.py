"""The running sums of one group of the usage ledger."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from streamtap._records.caches import says_of_cache
from streamtap._records.failed import has_failed
from streamtap._records.known import greatest_known, sum_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.sketch import Values


class Tally:
    """The running sums of an agent, a model, a value of a label, or of everybody.

    Args:
        values: What collects values for quantiles.
    """

    def __init__(self, values: Callable[[], Values]) -> None:
        self.counts: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.says_tokens = False
        self.cost_usd: float | None = None
        self.ttft = values()
        self.speed = values()
        self.first_output = values()
        self.duration = values()
        self.total_cost_usd: float | None = None
        self.unnamed_agents = 0
        self.stall_seconds = 0.0
        self.cache_missed: Counter[str] = Counter()
        self.cache_saved_usd: float | None = None
        self.cache_lost_usd: float | None = None
        self.context = values()
        self.fullest_context: float | None = None
        self.repeated_seconds = 0.0
        self.objective_missed: Counter[str] = Counter()
        self.answer = values()

    def response(self, record: ResponseRecord) -> None:
        """Add a response."""
        counts = self.counts
        counts['requests'] += 1
        counts['failed_requests'] += has_failed(record)
        counts['streamed_requests'] += record.streamed
        self.says_tokens = self.says_tokens or bool(
            record.usage_reported or record.input_tokens or record.output_tokens
        )
        counts['input_tokens'] += record.input_tokens or 0
        counts['output_tokens'] += record.output_tokens or 0
        counts['cache_read_tokens'] += record.cache_read_tokens or 0
        counts['cache_write_tokens'] += record.cache_write_tokens or 0
        counts['reasoning_tokens'] += record.reasoning_tokens or 0
        if record.stalls:
            counts['stalls'] += record.stalls
            self.stall_seconds += record.stall_seconds
        counts['unmeasured_responses'] += record.unmeasured is not None
        counts['interrupted_responses'] += record.unmeasured == 'interrupted'
        counts['unpriced_responses'] += record.usage_reported and record.cost_usd is None
        self.cost_usd = sum_known(self.cost_usd, record.cost_usd)
        self.ttft.add(record.time_to_first_token)
        self.speed.add(record.output_tokens_per_second)
        if record.cache_missed_tokens:
            self.cache_missed[record.cache_miss_reason or 'unknown'] += record.cache_missed_tokens
        if record.cache_saved_usd is not None:
            self.cache_saved_usd = sum_known(self.cache_saved_usd, record.cache_saved_usd)
        if record.cache_lost_usd is not None:
            self.cache_lost_usd = sum_known(self.cache_lost_usd, record.cache_lost_usd)
        if (used := record.context_used) is not None:
            self.context.add(used)
            self.fullest_context = greatest_known(self.fullest_context, used)

    def run(self, record: RunRecord) -> None:
        """Add a run with how it ended."""
        self.called(record)
        self.counts['runs'] += not record.nested
        self.outcomes[record.outcome] += 1
        self.duration.add(record.duration)
        self.total_cost_usd = sum_known(self.total_cost_usd, record.total_cost_usd)
        if not record.nested:
            self.first_output.add(record.time_to_first_output)
            self._promised(record)

    def called(self, record: RunRecord) -> None:
        """Add what a run did, nested or not."""
        self.counts['nested_runs'] += record.nested
        self.unnamed_agents = max(self.unnamed_agents, record.unnamed_agents)
        self.counts['tool_calls'] += record.tool_calls
        self.counts['output_retries'] += record.output_retries
        if (loops := record.loops).calls:
            self.counts['repeated_calls'] += loops.calls
            self.counts['repeated_tokens'] += loops.tokens
            self.repeated_seconds += loops.seconds

    def _promised(self, record: RunRecord) -> None:
        counts = self.counts
        if record.objective_met is not None:
            counts['objective_counted'] += 1
            counts['objective_met'] += record.objective_met
            self.objective_missed.update(record.objective_missed)
        if record.attempt is not None:
            counts['attempts'] += 1
            if record.attempt == 1:
                counts['questions'] += 1
                counts['first_try'] += record.outcome == 'success'
                counts['first_try_failed'] += has_failed(record)
        self.answer.add(record.time_to_answer)

    def usage(self) -> dict[str, Any]:
        """The figures of responses."""
        counts, input_tokens = self.counts, self.counts['input_tokens']
        has_cache = says_of_cache(counts['cache_read_tokens'], counts['cache_write_tokens'], self.cache_missed.total())
        return {
            **{name: count for name, count in counts.items() if name not in _OF_RUNS},
            **({} if self.says_tokens or not counts['requests'] else dict.fromkeys(_TOKENS)),
            'cost_usd': self.cost_usd,
            'time_to_first_token_p50': self.ttft.quantile(0.5),
            'time_to_first_token_p95': self.ttft.quantile(0.95),
            'output_tokens_per_second_p50': self.speed.quantile(0.5),
            'output_tokens_per_second_p95': self.speed.quantile(0.95),
            'stall_seconds': self.stall_seconds,
            'cache_hit_share': counts['cache_read_tokens'] / input_tokens if has_cache and input_tokens else None,
            'cache_missed': dict(self.cache_missed),
            'cache_saved_usd': self.cache_saved_usd,
            'cache_lost_usd': self.cache_lost_usd,
            'context_used_p95': self.context.quantile(0.95),
            'context_used_max': self.fullest_context,
        }

    def runs_usage(self) -> dict[str, Any]:
        """The figures of runs, with those of their responses."""
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
            'repeated_seconds': self.repeated_seconds,
            'objective_missed': dict(self.objective_missed),
            'time_to_answer_p50': self.answer.quantile(0.5),
            'time_to_answer_p95': self.answer.quantile(0.95),
        }


_TOKENS = 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens'
"""What is not known of a group of requests of which none said its tokens."""

_OF_RUNS = (
    'runs',
    'nested_runs',
    'tool_calls',
    'output_retries',
    'repeated_calls',
    'repeated_tokens',
    'objective_counted',
    'objective_met',
    'questions',
    'attempts',
    'first_try',
    'first_try_failed',
)


class ToolTally:
    """The running sums of one tool of one agent.

    Args:
        values: What collects values for quantiles.
    """

    def __init__(self, values: Callable[[], Values]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.duration = values()
        self.repeated_calls = 0
        self.repeated_seconds = 0.0
        self.repeated_tokens = 0

    def add(self, record: ToolRecord) -> None:
        """Add a call."""
        self.outcomes[record.outcome] += 1
        self.duration.add(record.duration)
        if record.repeated:
            self.repeated_calls += 1
            self.repeated_seconds += record.duration or 0.0
            self.repeated_tokens += record.request_tokens or 0

    def usage(self) -> dict[str, Any]:
        """The figures of the tool."""
        return {
            'calls': self.outcomes.total(),
            'outcomes': dict(self.outcomes),
            'timed_calls': self.duration.count,
            'duration_p50': self.duration.quantile(0.5),
            'duration_p95': self.duration.quantile(0.95),
            'repeated_calls': self.repeated_calls,
            'repeated_seconds': self.repeated_seconds,
            'repeated_tokens': self.repeated_tokens,
        }
