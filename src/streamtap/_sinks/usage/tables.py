"""The usage summary as tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from streamtap._base.safe_text import safe
from streamtap._display import contexts
from streamtap._display.exits import value_name
from streamtap._display.grid import Column, Grid
from streamtap._display.text import counts, dollars, if_known, outcome_counts, percentage, rate, seconds, unless_none
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS
from streamtap._sinks.usage.failure_table import failure_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from streamtap._sinks.usage.figures import AgentUsage, FailureUsage, LabelUsage, ModelUsage, RunsUsage, ToolUsage


class Groups(NamedTuple):
    """What the tables show."""

    total: RunsUsage
    agents: Sequence[AgentUsage]
    models: Sequence[ModelUsage]
    tools: Sequence[ToolUsage]
    labels: Sequence[LabelUsage]
    failures: Sequence[FailureUsage]


_FULLEST = 'context_used_max'
_OF_CONTEXT = 'context_used_p95', _FULLEST
"""The figures that a table has only if a context is told of one of its rows."""


class _Shown(NamedTuple):
    """A column, the field that it shows, and how; one that is rare is there only where a row has something for it."""

    column: Column
    field: str
    show: Callable[[object], str]
    is_rare: bool = False


_RUNS = (
    _Shown(Column('runs'), 'runs', str),
    _Shown(Column('nested', 11), 'nested_runs', str),
    _Shown(Column('blank p50'), 'time_to_first_output_p50', seconds),
    _Shown(Column('p95', 12, name='blank p95'), 'time_to_first_output_p95', seconds),
    _Shown(Column('run p50', 7), 'run_duration_p50', seconds),
    _Shown(Column('p95', 4, name='run p95'), 'run_duration_p95', seconds),
    _Shown(Column('reqs', 1), 'requests', str),
    _Shown(Column('tools', 3), 'tool_calls', str),
    _Shown(Column('in', 5), 'input_tokens', if_known),
    _Shown(Column('out', 6), 'output_tokens', if_known),
    _Shown(Column('cost'), 'cost_usd', dollars),
    _Shown(Column('with called', 10, beside='cost'), 'total_cost_usd', dollars),
    _Shown(Column('failed', tells_none=True), 'outcomes', partial(outcome_counts, only=FAILED_RUNS)),
    _Shown(Column('other', 2), 'outcomes', partial(outcome_counts, other_than=FAILED_RUNS)),
)
_OF_NESTING = ('nested_runs', 'total_cost_usd')
"""What a table has no use for where no run called another."""

_MODELS = (
    _Shown(Column('reqs', 8), 'requests', str),
    _Shown(Column('failed'), 'failed_requests', str),
    _Shown(Column('TTFT p50'), 'time_to_first_token_p50', seconds),
    _Shown(Column('p95', 5, name='TTFT p95'), 'time_to_first_token_p95', seconds),
    _Shown(Column('tokens/s p50', 6), 'output_tokens_per_second_p50', rate),
    _Shown(Column('stalls'), 'stalls', unless_none, is_rare=True),
    _Shown(Column('stalled', 7), 'stall_seconds', partial(unless_none, shown=seconds), is_rare=True),
    _Shown(Column('tokens in', 3), 'input_tokens', if_known),
    _Shown(Column('cached', 2), 'cache_read_tokens', if_known),
    _Shown(Column('hits', 2, name='cache hits'), 'cache_hit_share', percentage, is_rare=True),
    _Shown(Column('out', 4), 'output_tokens', if_known),
    _Shown(Column('reasoning', 1), 'reasoning_tokens', if_known),
    _Shown(Column('context p95', 1), 'context_used_p95', percentage, is_rare=True),
    _Shown(Column('max', 3, name='fullest context'), _FULLEST, percentage, is_rare=True),
    _Shown(Column('cost'), 'cost_usd', dollars),
)
_TOOLS = (
    _Shown(Column('kind', 1, to_left=True), 'kind', str),
    _Shown(Column('calls'), 'calls', str),
    _Shown(Column('p50', 7, name='tool p50'), 'duration_p50', seconds),
    _Shown(Column('p95'), 'duration_p95', seconds),
    _Shown(Column('failed', tells_none=True), 'outcomes', partial(outcome_counts, only=FAILED_TOOLS)),
    _Shown(Column('other', 4), 'outcomes', partial(outcome_counts, other_than=FAILED_TOOLS)),
    _Shown(Column('again'), 'repeated_calls', unless_none, is_rare=True),
    _Shown(Column('took', 3, name='took again'), 'repeated_seconds', partial(unless_none, shown=seconds), is_rare=True),
    _Shown(Column('tokens', 2, name='tokens again'), 'repeated_tokens', unless_none, is_rare=True),
    _Shown(Column('result tokens', 6), 'result_tokens', unless_none, is_rare=True),
)
_HEALTH = (
    _Shown(Column('objective met'), 'objective_share', percentage, is_rare=True),
    _Shown(Column('of', 5, name='runs that count'), 'objective_counted', unless_none, is_rare=True),
    _Shown(Column('missed', 4, to_left=True), 'objective_missed', counts, is_rare=True),
    _Shown(Column('calls again'), 'repeated_calls', unless_none, is_rare=True),
    _Shown(Column('took', 3, name='took again'), 'repeated_seconds', partial(unless_none, shown=seconds), is_rare=True),
    _Shown(Column('tokens', 2, name='tokens again'), 'repeated_tokens', unless_none, is_rare=True),
    _Shown(Column('context p95', 1), 'context_used_p95', percentage, is_rare=True),
    _Shown(Column('fullest context'), _FULLEST, percentage, is_rare=True),
)
_QUESTIONS = (
    _Shown(Column('questions'), 'questions', str),
    _Shown(Column('first try'), 'first_try_share', percentage),
    _Shown(Column('of', 2, name='first runs that ended'), 'first_try_counted', unless_none),
    _Shown(Column('runs'), 'attempts', str),
    _Shown(Column('answer p50'), 'time_to_answer_p50', seconds),
    _Shown(Column('p95', 1, name='answer p95'), 'time_to_answer_p95', seconds),
)
_CACHE = (
    _Shown(Column('hits'), 'cache_hit_share', percentage),
    _Shown(Column('tokens again'), 'cache_missed_tokens', unless_none, is_rare=True),
    _Shown(Column('why', 1, to_left=True), 'cache_missed', counts, is_rare=True),
    _Shown(Column('saved'), 'cache_saved_usd', dollars),
    _Shown(Column('lost'), 'cache_lost_usd', dollars, is_rare=True),
)


def grids_of(groups: Groups) -> list[Grid]:
    """Agents with their total, then labels, models, tools, and what else there is."""
    total = groups.total
    runs = _RUNS if total.nested_runs else [each for each in _RUNS if each.field not in _OF_NESTING]
    agents = [(each.agent, each) for each in groups.agents]
    grids = [_grid('agent', agents, runs, total)]
    if groups.labels:
        grids.append(_grid('label', [(f'{each.label}={value_name(each.value)}', each) for each in groups.labels], runs))
    models = [(f'{each.provider}:{each.model}', each) for each in groups.models]
    if models:
        grids.append(_grid('model', models, _MODELS))
    if groups.tools:
        grids.append(_grid('tool', [(f'{each.agent}/{each.tool}', each) for each in groups.tools], _TOOLS))
    if unwell := [(name, each) for name, each in agents if _has_health(each)]:
        grids.append(_grid('health of', unwell, _HEALTH, total))
    if cached := [(name, each) for name, each in models if each.cache_saved_usd or each.cache_missed]:
        grids.append(_grid('cache of', cached, _CACHE))
    if asked := [(name, each) for name, each in agents if each.attempts]:
        grids.append(_grid('first runs at a question', asked, _QUESTIONS, total))
    if groups.failures:
        grids.append(failure_grid(groups.failures))
    return grids


def _has_health(usage: RunsUsage) -> bool:
    return bool(usage.objective_counted or usage.repeated_calls or contexts.is_told(usage.context_used_max))


def _grid(
    title: str, rows: Sequence[tuple[str, BaseModel]], shown: Sequence[_Shown], total: BaseModel | None = None
) -> Grid:
    named = [*rows, ('total', total)] if total is not None else rows
    if not any(contexts.is_told(getattr(group, _FULLEST, None)) for _, group in rows):
        shown = [each for each in shown if each.field not in _OF_CONTEXT]
    cells = [[each.show(getattr(group, each.field)) for each in shown] for _, group in named]
    kept = [place for place, each in enumerate(shown) if not each.is_rare or any(row[place] != '-' for row in cells)]
    return Grid(
        columns=(Column(title), *(shown[place].column for place in kept)),
        rows=[(safe(name), *(row[place] for place in kept)) for (name, _), row in zip(named, cells, strict=True)],
        has_total=total is not None,
        name=_NAMES.get(title, f'{title}s'),
    )


_NAMES = {'health of': 'health', 'cache of': 'cache', 'first runs at a question': 'questions'}
"""The tables that are not called by the plural of their rows."""
