"""Whether agents go round in circles: tool calls that repeat others of their run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import link
from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import RANGE, ratio
from streamtap._dashboards.grafana.tables import Column, table

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql
    from streamtap._dashboards.promql.growth import Window

CALLS = 'pydantic_ai_tool_calls_total'
COMPARED = 'kind=~"function|mcp"'
REPEATED = 'pydantic_ai_repeated_tool_calls_total'
SECONDS_LOST = 'pydantic_ai_repeated_tool_seconds_total'
TOKENS_LOST = 'pydantic_ai_repeated_tool_tokens_total'
TOOL = 'agent, tool'
NO_CALLS = 'No calls'
LOOPS = 'Which tool is called in a loop?'


def repeated_share(promql: Promql, by: str = '', over: str | Window = RANGE) -> str:
    """The share of the calls that repeat others of their run.

    Args:
        promql: Queries of the board.
        by: The labels.
        over: The window.
    """
    return ratio(promql.count(REPEATED, by=by, over=over), promql.count(CALLS, COMPARED, by=by, over=over))


def loop_tile(promql: Promql, leads_to: Json | None = None) -> Json:
    """The tool of which the largest share is in loops.

    Args:
        promql: Queries of the board.
        leads_to: Where a click on it leads.
    """
    return stat(
        'Most calls in a loop',
        'Does an agent go round in circles? The share of the calls of the tool that has most of them, '
        'which have the same arguments as two or more before them in their run. If it is red, click on it.',
        'percentunit',
        promql.or_nothing(f'max ({repeated_share(promql, TOOL)})'),
        verdict=promql.verdicts.repeated_calls,
        none=NO_CALLS,
        leads_to=leads_to,
    )


def loop_table(promql: Promql) -> Json:
    """A row for each tool that is called in loops.

    Args:
        promql: Queries of the board.
    """
    columns = [
        Column('Repeated', 'locale', f'{promql.count(REPEATED, by=TOOL)} > 0', decimals=0),
        Column(
            'Share of its calls',
            'percentunit',
            f'{repeated_share(promql, TOOL)} > 0',
            promql.verdicts.repeated_calls,
            decimals=1,
        ),
        Column('Time lost', 's', f'{promql.count(SECONDS_LOST, by=TOOL)} > 0'),
        Column('Tokens lost', 'short', f'{promql.count(TOKENS_LOST, by=TOOL)} > 0'),
    ]
    return table(
        LOOPS,
        'Which tool is called again and again with the same arguments, by which agent, and what does that take? Two that '
        'are called in turn are both here. Its result does not say what the model needs to know: change it, or its description.',
        {'agent': 'Agent', 'tool': 'Tool'},
        columns,
        links={
            'agent': [
                link(promql.config, 'health', 'Only this agent', 'agent'),
                link(promql.config, 'overview', 'This agent', 'agent'),
            ],
            'tool': [link(promql.config, 'tools', 'This tool', 'tool', ('agent',))],
        },
        sort_by=('Share of its calls', 'Repeated'),
        empty='No loops',
    )


def loop_panels(promql: Promql) -> tuple[Json, ...]:
    """Since when, and what it takes.

    Args:
        promql: Queries of the board.
    """
    return (
        _lost(promql, 'Repeated calls', 'Since when does it go round, and with which tool?', REPEATED, 'suffix:/min'),
        _lost(
            promql,
            'Time lost in loops',
            'How long do users wait for what was known already? Seconds of each minute, in tools alone.',
            SECONDS_LOST,
            'suffix:s/min',
        ),
        _lost(
            promql,
            'Tokens lost in loops',
            'What do the circles cost? Tokens a minute of the requests that asked for repeated calls.',
            TOKENS_LOST,
            'short',
        ),
    )


def run_panels(promql: Promql) -> tuple[Json, ...]:
    """How much a run takes, whether its calls repeat each other or not.

    Args:
        promql: Queries of the board.
    """
    about = 'Does an agent go round in circles, if not with the same arguments? With those of the runs that it calls.'
    return (
        Distribution(promql, 'pydantic_ai_run_requests', 'Requests of a run', about, 'short').percentiles(),
        Distribution(promql, 'pydantic_ai_run_tool_calls', 'Tool calls of a run', about, 'short').percentiles(),
    )


def _lost(promql: Promql, title: str, about: str, metric: str, unit: str) -> Json:
    lost = promql.rate(metric, by=TOOL, per=60)
    return timeseries(
        title, about, unit, [Query(promql.or_none(lost, 'tool'), '{{agent}} {{tool}}')], stacking='normal'
    )
