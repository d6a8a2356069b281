"""The quantities in a report, and the values of them in each record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._records.caches import says_of_cache
from streamtap._records.failed import FAILED_RUNS as FAILED_OUTCOMES
from streamtap._records.failed import has_failed
from streamtap._records.records import ResponseRecord, RunRecord
from streamtap._report import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._records.as_json import Record
    from streamtap._report.units import Unit

Kind: TypeAlias = Literal['run', 'request', 'tool call']
"""What has the value."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """Something of which each run, response or tool call has one value, or none.

    Args:
        name: Its name in a budget.
        title: Its name in the report.
        unit: That of its values; where it is a share they are 0 or 1, so that their mean is the figure.
        kind: What has the value.
        better: Which direction is an improvement.
    """

    name: str
    title: str
    unit: Unit
    kind: Kind
    better: Literal['lower', 'higher'] = 'lower'

    @property
    def is_share(self) -> bool:
        """Whether its values are 0 or 1."""
        return self.unit is units.SHARE

    def show(self, value: object) -> str:
        """A value with its unit, as text; `-` for none."""
        return self.unit.show(value)


BLANK_SCREEN = Quantity('blank_screen', 'blank screen of a run', units.TIME, 'run')
RUN_DURATION = Quantity('run_duration', 'duration of a run', units.TIME, 'run')
RUN_COST = Quantity('cost_per_run', 'cost of a run with those that it called', units.COST, 'run')
RUN_TOKENS = Quantity('tokens_per_run', 'tokens of a run with those that it called', units.TOKENS, 'run')
RUN_REQUESTS = Quantity('requests_per_run', 'requests of a run with those that it called', units.COUNT, 'run')
RUN_TOOL_CALLS = Quantity('tool_calls_per_run', 'tool calls of a run with those that it called', units.COUNT, 'run')
FIRST_TOKEN = Quantity('first_token', 'time to first token', units.TIME, 'request')
SPEED = Quantity('tokens_per_second', 'output tokens per second', units.SPEED, 'request', 'higher')
TOOL_DURATION = Quantity('tool_duration', 'duration of a tool call', units.TIME, 'tool call')
FAILED_RUNS = Quantity('failed', 'runs that failed', units.SHARE, 'run')
FAILED_REQUESTS = Quantity('failed_requests', 'requests that failed', units.SHARE, 'request')
FAILED_TOOLS = Quantity('failed_tools', 'tool calls that failed', units.SHARE, 'tool call')
OBJECTIVE_MET = Quantity('objective_met', 'runs that met their objective', units.SHARE, 'run', 'higher')
FIRST_TRY = Quantity('first_try', 'questions that their first run answered', units.SHARE, 'run', 'higher')
TIME_TO_ANSWER = Quantity('time_to_answer', 'time to the answer of a question', units.TIME, 'run')
CONTEXT_USED = Quantity('context_used', 'context that a request took', units.PART, 'request')
CACHE_HITS = Quantity('cache_hits', 'input of a request that was read from the cache', units.PART, 'request', 'higher')
SAYS_OF_CACHE = Quantity('says_of_cache', 'requests whose provider said something of a cache', units.SHARE, 'request')
"""Not shown: whoever has no such request has no `CACHE_HITS`, as nobody knows whether there is a cache."""

RUNS = Quantity('runs', 'runs', units.COUNT, 'run')
"""Counted only: those that users asked for."""

NESTED_RUNS = Quantity('nested_runs', 'nested runs', units.COUNT, 'run')
"""Counted only: those that other runs called, also where all else is of the outermost run."""

REPEATED_TOOLS = Quantity('repeated_tools', 'tool calls that repeated others', units.SHARE, 'tool call')

QUANTITIES = (
    BLANK_SCREEN,
    RUN_DURATION,
    RUN_COST,
    FIRST_TOKEN,
    SPEED,
    TOOL_DURATION,
    FAILED_RUNS,
    FAILED_REQUESTS,
    FAILED_TOOLS,
    OBJECTIVE_MET,
    FIRST_TRY,
    TIME_TO_ANSWER,
)
"""In the order of a report."""

BUDGETED = (
    *QUANTITIES[:3],
    RUN_TOKENS,
    RUN_REQUESTS,
    RUN_TOOL_CALLS,
    *QUANTITIES[3:],
    CONTEXT_USED,
    CACHE_HITS,
    REPEATED_TOOLS,
)
"""What there can be budgets of: these, what a run used, and how well it used it."""


def values_of(record: Record) -> Iterator[tuple[Quantity, float | None]]:
    """The values of a record; `None` for what was not observed."""
    failed = float(has_failed(record))
    if isinstance(record, RunRecord):
        yield RUNS, None if record.nested else 1.0
        yield NESTED_RUNS, 1.0 if record.nested else None
        yield FAILED_RUNS, failed
        if not record.nested:
            yield BLANK_SCREEN, record.time_to_first_output
            yield OBJECTIVE_MET, None if record.objective_met is None else float(record.objective_met)
            is_first = record.attempt == 1 and record.outcome in ('success', *FAILED_OUTCOMES)
            yield FIRST_TRY, float(record.outcome == 'success') if is_first else None
            yield TIME_TO_ANSWER, record.time_to_answer
        yield RUN_DURATION, record.duration
        yield RUN_COST, record.total_cost_usd
        tokens = record.total_input_tokens + record.total_output_tokens
        # Where a response did not say all, they are too few; where none said any, they are not known.
        is_known = record.total_usage_reported and not record.total_unmeasured_responses
        yield RUN_TOKENS, tokens if is_known else None
        yield RUN_REQUESTS, record.total_requests
        yield RUN_TOOL_CALLS, record.total_tool_calls
    elif isinstance(record, ResponseRecord):
        yield FAILED_REQUESTS, failed
        yield FIRST_TOKEN, record.time_to_first_token
        yield SPEED, record.output_tokens_per_second
        yield CONTEXT_USED, record.context_used
        cached, tokens = record.cache_read_tokens, record.input_tokens
        said = says_of_cache(cached, record.cache_write_tokens, record.cache_missed_tokens)
        yield SAYS_OF_CACHE, 1.0 if said else None
        yield CACHE_HITS, cached / tokens if cached is not None and tokens else None
    else:
        yield FAILED_TOOLS, failed
        yield TOOL_DURATION, record.duration
        # Only these are compared with each other.
        if record.kind in ('function', 'mcp'):
            yield REPEATED_TOOLS, float(record.repeated)
