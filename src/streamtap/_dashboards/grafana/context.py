"""Whether contexts fill up, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import link
from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import RANGE
from streamtap._dashboards.grafana.tables import Column, table

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

USED = 'pydantic_ai_context_window_used_ratio'
RESULTS = 'pydantic_ai_tool_result_tokens_total'
INPUT_OF_REQUEST = 'pydantic_ai_request_input_tokens'
CONTEXT = 'agent, provider, model'
CONTEXTS = 'Whose context fills up?'
NO_WINDOW = 'No window known'


def context_tile(promql: Promql, leads_to: Json | None = None) -> Json:
    """The context that is fullest.

    Args:
        promql: Queries of the board.
        leads_to: Where a click on it leads.
    """
    share = promql.config.max_full_context_share
    return stat(
        'Fullest context',
        f"Will a model soon refuse what is sent to it? The share of its model's context window that {share:.0%} of the requests "
        'take at least, of the agent and the model with the largest. If it is red, click on it.',
        'percentunit',
        promql.or_nothing(f'max ({_fullest(promql)})'),
        verdict=promql.verdicts.context_used,
        none=NO_WINDOW,
        decimals=0,
        leads_to=leads_to,
    )


def context_table(promql: Promql) -> Json:
    """A row for each agent's requests to a model.

    Args:
        promql: Queries of the board.
    """
    verdict, share = promql.verdicts.context_used, promql.config.max_full_context_share
    columns = [
        Column('Requests', 'locale', f'{promql.observed(USED, by=CONTEXT)} > 0', decimals=0),
        Column('Window p50', 'percentunit', promql.quantile(0.5, USED, by=CONTEXT, over=RANGE), decimals=0),
        Column('Window p95', 'percentunit', promql.quantile(0.95, USED, by=CONTEXT, over=RANGE), verdict, decimals=0),
        Column('Fullest', 'percentunit', _fullest(promql), verdict, decimals=0),
        Column('Input tokens p95', 'short', promql.quantile(0.95, INPUT_OF_REQUEST, by=CONTEXT, over=RANGE)),
    ]
    return table(
        CONTEXTS,
        'Which agent sends a model nearly all that it can hold? Window: the share that is taken after a request, its answer '
        f'included. Fullest: what {share:.0%} of the requests take at least, as on the tile. Trim or summarise the history, or let the tool that fills it return less: see below.',
        {'agent': 'Agent', 'provider': 'Provider', 'model': 'Model'},
        columns,
        links={
            'agent': [
                link(promql.config, 'health', 'Only this agent', 'agent'),
                link(promql.config, 'overview', 'This agent', 'agent'),
            ],
            'model': [link(promql.config, 'models', 'This model', 'model', ('agent', 'provider'))],
        },
        sort_by=('Window p95', 'Fullest'),
        empty=NO_WINDOW,
    )


def _fullest(promql: Promql) -> str:
    share = promql.config.max_full_context_share
    return promql.quantile(round(1 - share, 6), USED, by=CONTEXT, over=RANGE)


def context_panels(promql: Promql) -> tuple[Json, ...]:
    """Since when, and with what.

    Args:
        promql: Queries of the board.
    """
    about = "Do contexts grow towards the limit? The share of its model's context window that a request takes."
    used = Distribution(promql, USED, 'Window taken', about, 'percentunit')
    return used.by(95, 'model'), used.cells(), _results(promql)


def _results(promql: Promql) -> Json:
    tokens = promql.rate(RESULTS, by='agent, tool', per=60)
    return timeseries(
        'Tokens that tools return',
        'Whose results fill the context? By how much requests grow after the results of a tool, tokens a minute; '
        '_several where several tools ran at once.',
        'short',
        [Query(promql.or_none(tokens, 'tool'), '{{agent}} {{tool}}')],
        stacking='normal',
    )
