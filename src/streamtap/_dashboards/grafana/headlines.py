"""What stands above everything on Agents / Overview: the tiles, and the table of the agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import link, panel_link
from streamtap._dashboards.grafana.cache import CACHES, cache_tile
from streamtap._dashboards.grafana.context import CONTEXTS, context_tile
from streamtap._dashboards.grafana.goodput import goodput_tile
from streamtap._dashboards.grafana.health import HEALTH
from streamtap._dashboards.grafana.loops import LOOPS, loop_tile
from streamtap._dashboards.grafana.objectives import STREAMED, TTFT, first_token_in_time
from streamtap._dashboards.grafana.panels import Json, stat
from streamtap._dashboards.grafana.queries import HOURS, NESTED, OUTERMOST, RANGE, ratio
from streamtap._dashboards.grafana.tables import Column, table

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

BLANK = 'pydantic_ai_run_time_to_first_output_seconds'
RUNS = 'pydantic_ai_runs_total'
COST = 'pydantic_ai_cost_usd_total'
DURATION = 'pydantic_ai_run_duration_seconds'
REQUESTS = 'pydantic_ai_requests_total'
RUN_COST = 'pydantic_ai_run_cost_usd'
SPEED = 'pydantic_ai_output_tokens_per_second'
TOOLS = 'pydantic_ai_tool_duration_seconds'

NO_RUNS = 'No runs'


def user_tiles(promql: Promql) -> tuple[Json, ...]:
    """What users notice.

    Args:
        promql: Queries of the board.
    """
    runs, counted = promql.count(RUNS, OUTERMOST), promql.count(RUNS, OUTERMOST, promql.counted_run)
    return (
        stat(
            'Runs',
            'How much is going on? Runs that users started and that ended in the time range.',
            'locale',
            promql.or_nothing(f'{runs} > 0'),
            none=NO_RUNS,
            decimals=0,
        ),
        stat(
            'Failed runs',
            'Which share of them ended in an error, a timeout or a limit? If it is red, see which agent and why, below.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(RUNS, OUTERMOST, promql.failed_run), counted)),
            verdict=promql.verdicts.failed_runs,
            none=NO_RUNS,
        ),
        stat(
            'Stopped by users',
            'Which share of them did their callers cancel, for instance because a user left? If it grows, they wait too long or read nothing of use.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(RUNS, OUTERMOST, 'outcome="cancelled"'), runs)),
            none=NO_RUNS,
        ),
        stat(
            'Blank screen, p95',
            'How long does one user in twenty look at a blank screen? From when a run is asked for to its first text, '
            'across requests and tools. If it is red, look at where the time goes, below.',
            's',
            promql.or_nothing(promql.quantile(0.95, BLANK, over=RANGE)),
            verdict=promql.verdicts.blank_screen,
            none='None streamed',
        ),
        stat(
            'Run time, p95',
            'How long does one run in twenty take at least? If it grows, see whether models or tools do, below.',
            's',
            promql.or_nothing(promql.quantile(0.95, DURATION, OUTERMOST, over=RANGE)),
            none=NO_RUNS,
        ),
        first_token_in_time(promql),
    )


def tiles_behind(promql: Promql) -> tuple[Json, ...]:
    """What is behind it.

    Args:
        promql: Queries of the board.
    """
    stalls = promql.count('pydantic_ai_stream_stalls_total', by='provider, model')
    streams = promql.count(REQUESTS, STREAMED, by='provider, model')
    return (
        stat(
            'First token, p95',
            'How long until a model says anything, thinking included? If it is red, go to Agents / Streaming.',
            's',
            promql.or_nothing(promql.quantile(0.95, TTFT, over=RANGE)),
            verdict=promql.verdicts.first_token,
            none='None streamed',
        ),
        stat(
            'Writing speed, p50',
            'How fast do models write? Output tokens per second between first and last chunk, as providers report them.',
            'suffix:tok/s',
            promql.or_nothing(promql.quantile(0.5, SPEED, over=RANGE)),
            none='None measured',
        ),
        stat(
            'Most stalls per stream',
            'Do streams fall silent in the middle? Stalls for each streamed request of the model that has most of them. '
            'If it is red, go to Agents / Streaming.',
            'percentunit',
            promql.or_nothing(f'max ({ratio(stalls, streams)})'),
            verdict=promql.verdicts.stalls,
            none='None streamed',
        ),
        stat(
            'Slowest tool, p95',
            'Is a tool slow? The p95 of the tool that has the largest. If it is red, go to Agents / Tools.',
            's',
            promql.or_nothing(f'max ({promql.quantile(0.95, TOOLS, by="agent, tool", over=RANGE)})'),
            verdict=promql.verdicts.tool_time,
            none='No calls',
        ),
        stat(
            'Cost per hour',
            'What does it cost per hour? Prices of your own, else as charged, else list prices. If it is red, see which model and which agent, below.',
            'currencyUSD',
            promql.or_nothing(f'{promql.count(COST)} / {HOURS}'),
            verdict=promql.verdicts.cost_per_hour,
            none='No responses',
        ),
        stat(
            'Cost per run',
            'What does an average run cost, with the runs that it calls?',
            'currencyUSD',
            promql.or_nothing(promql.mean(RUN_COST)),
            none='None priced',
            decimals=4,
        ),
    )


def health_tiles(promql: Promql) -> tuple[Json, ...]:
    """What agents do wrong, each a click away from which agent, tool or model it is.

    Args:
        promql: Queries of the board.
    """

    def leads_to(panel: str) -> Json:
        return panel_link(HEALTH, panel, promql.config, ('agent', 'provider', 'model'))

    return (
        goodput_tile(promql, leads_to('Goodput by agent')),
        loop_tile(promql, leads_to(LOOPS)),
        context_tile(promql, leads_to(CONTEXTS)),
        cache_tile(promql, leads_to(CACHES)),
    )


def agent_table(promql: Promql) -> Json:
    """A row for each agent.

    Args:
        promql: Queries of the board.
    """
    counted = promql.count(RUNS, promql.counted_run, by='agent')
    columns = [
        Column('Runs', 'locale', f'{promql.count(RUNS, OUTERMOST, by="agent")} > 0', decimals=0),
        Column('Nested', 'locale', f'{promql.count(RUNS, NESTED, by="agent")} > 0', decimals=0),
        Column(
            'Failed',
            'percentunit',
            ratio(promql.count(RUNS, promql.failed_run, by='agent'), counted),
            promql.verdicts.failed_runs,
            decimals=1,
        ),
        Column('Blank p95', 's', promql.quantile(0.95, BLANK, by='agent', over=RANGE), promql.verdicts.blank_screen),
        Column('Run p50', 's', promql.quantile(0.5, DURATION, by='agent', over=RANGE)),
        Column('Run p95', 's', promql.quantile(0.95, DURATION, by='agent', over=RANGE)),
        Column('Req. / run', 'short', promql.mean('pydantic_ai_run_requests', by='agent'), decimals=1),
        Column('Calls / run', 'short', promql.mean('pydantic_ai_run_tool_calls', by='agent'), decimals=1),
        Column('Tokens / run', 'short', promql.mean('pydantic_ai_run_tokens', by='agent')),
        Column('Cost / run', 'currencyUSD', promql.mean(RUN_COST, by='agent'), decimals=4),
        Column('Own cost', 'currencyUSD', f'{promql.count(COST, by="agent")} > 0', decimals=2),
        Column('With called', 'currencyUSD', f'{_as_agent(promql.count(COST, by="root_agent"))} > 0', decimals=2),
    ]
    links = [
        link(promql.config, 'streaming', 'Streaming of this agent', 'agent', ('provider', 'model')),
        link(promql.config, 'models', 'Models of this agent', 'agent', ('provider', 'model')),
        link(promql.config, 'tools', 'Tools of this agent', 'agent'),
        link(promql.config, 'health', 'Health of this agent', 'agent', ('provider', 'model')),
    ]
    return table(
        'Which agent is it?',
        'Which agent fails, is slow (blank: the time to its first text) or is expensive? Runs are those that users started; '
        'nested ones were called by another agent, come on top, and count in the share that failed and in run times. What a '
        'run takes (requests, tool calls, tokens) and costs is with the runs that it called. '
        'Click a name for its streams, models or tools.',
        {'agent': 'Agent'},
        columns,
        links={'agent': links},
        sort_by=('Failed', 'With called', 'Runs'),
    )


def _as_agent(expr: str) -> str:
    return f'sum by (agent) (label_replace({expr}, "agent", "$1", "root_agent", "(.*)"))'
