"""The quantities in a report, and the values of them in each record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._display.text import dollars, rate, seconds
from streamtap._records.failed import has_failed
from streamtap._records.records import ResponseRecord, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streamtap._records.as_json import Record

Scope: TypeAlias = Literal['all', 'agent', 'model', 'tool']
"""Which values: all of them, or those of one agent, model or tool."""

ALL: tuple[Scope, str] = ('all', 'all')


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something of which each run, response or tool call has one value, or none.

    Args:
        title: Its name in the report.
        show: Formats a value.
        better: Which direction is an improvement.
        is_share: Whether its values are 0 or 1, so that their mean is the figure.
    """

    title: str
    show: Callable[[object], str]
    better: Literal['lower', 'higher'] = 'lower'
    is_share: bool = False


def share(value: object) -> str:
    """A share, as a percentage."""
    return f'{value:.1%}' if isinstance(value, (int, float)) else '-'


BLANK_SCREEN = Quantity('time to first output of a run', seconds)
RUN_DURATION = Quantity('duration of a run', seconds)
RUN_COST = Quantity('cost of a run with those that it called', dollars)
FIRST_TOKEN = Quantity('time to first token', seconds)
SPEED = Quantity('output tokens per second', rate, 'higher')
TOOL_DURATION = Quantity('duration of a tool call', seconds)
FAILED_RUNS = Quantity('runs that failed', share, is_share=True)
FAILED_REQUESTS = Quantity('requests that failed', share, is_share=True)
FAILED_TOOLS = Quantity('tool calls that failed', share, is_share=True)

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
)
"""In the order of a report."""


def values_of(record: Record) -> Iterator[tuple[Quantity, float]]:
    """The values that a record holds; what was not observed is left out."""
    if isinstance(record, RunRecord):
        found = (
            (BLANK_SCREEN, None if record.nested else record.time_to_first_output),
            (RUN_DURATION, record.duration),
            (RUN_COST, record.total_cost_usd),
        )
        failed = FAILED_RUNS
    elif isinstance(record, ResponseRecord):
        found = (FIRST_TOKEN, record.time_to_first_token), (SPEED, record.output_tokens_per_second)
        failed = FAILED_REQUESTS
    else:
        found = ((TOOL_DURATION, record.duration),)
        failed = FAILED_TOOLS
    yield failed, float(has_failed(record))
    for quantity, value in found:
        if value is not None:
            yield quantity, value


def owners_of(record: Record) -> tuple[tuple[Scope, str], ...]:
    """What a record's values belong to: all of them, unless it is a nested run; and an agent, model or tool."""
    own = _owner(record)
    return (own,) if isinstance(record, RunRecord) and record.nested else (ALL, own)


def _owner(record: Record) -> tuple[Scope, str]:
    if isinstance(record, RunRecord):
        return 'agent', record.agent
    if isinstance(record, ResponseRecord):
        return 'model', f'{record.provider}:{record.model}'
    return 'tool', f'{record.agent}/{record.tool}'
