"""Agents / Overview: is it all right, which agent is it, and what does it cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import WHOLE_RANGE, Board
from streamtap._dashboards.grafana.deploy_time import since_deploy, since_deploy_twice
from streamtap._dashboards.grafana.deploys import DEPLOY, overview_since
from streamtap._dashboards.grafana.headlines import (
    BLANK,
    COST,
    DURATION,
    RUN_COST,
    RUNS,
    agent_table,
    health_tiles,
    tiles_behind,
    user_tiles,
)
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.loop_lag import loop_lag
from streamtap._dashboards.grafana.objectives import slo
from streamtap._dashboards.grafana.palette import OUTCOMES, PHASES
from streamtap._dashboards.grafana.panels import Json, Query, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import OUTERMOST, RATE, ratio
from streamtap._dashboards.grafana.trust import add_trust

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    layout.line(4, *user_tiles(promql))
    layout.line(4, *tiles_behind(promql))
    layout.line(3, *health_tiles(promql))
    layout.line(8, agent_table(promql))
    layout.row(DEPLOY)
    layout.line(4, *overview_since(promql))
    layout.row('What goes wrong?')
    layout.line(8, _outcomes(promql), _errors(promql), _retries(promql))
    layout.line(8, _open(promql), _oldest(promql), loop_lag(promql))
    layout.row('Where does the time go?')
    blank = Distribution(promql, BLANK, 'Blank screen', 'How long do users look at nothing, across requests and tools?')
    duration = Distribution(
        promql, DURATION, 'Run time', 'How long do runs that users started take?', only=(OUTERMOST,)
    )
    final = Distribution(
        promql,
        'pydantic_ai_run_time_to_final_result_seconds',
        'Time to final result',
        'How long until it is certain that what comes is the answer, and no further tool call?',
    )
    layout.line(8, blank.percentiles(), duration.percentiles(), _phases(promql))
    layout.line(8, blank.cells(), blank.by(95, 'agent'), final.percentiles())
    layout.row('What does it cost?')
    cost = Distribution(
        promql,
        RUN_COST,
        'Cost of a run',
        'What does a run cost, with the runs that it calls? US dollars.',
        'currencyUSD',
    )
    layout.line(8, _cost_by_model(promql), _cost_by_agent(promql), cost.percentiles(), cost.by(95, 'agent'))
    add_trust(layout, promql)
    return layout


def _outcomes(promql: Promql) -> Json:
    runs = promql.seen(promql.rate(RUNS, OUTERMOST, by='outcome', per=60), RUNS, 'outcome')
    return timeseries(
        'Runs by outcome',
        'How do runs that users started end? Cancelled was stopped by its caller, for instance because a user left; incomplete is a run whose end nobody saw.',
        'suffix:/min',
        [Query(runs, '{{outcome}}')],
        colours=OUTCOMES,
        stacking='normal',
    )


def _errors(promql: Promql) -> Json:
    errors = promql.rate('pydantic_ai_run_errors_total', by='agent, error_type', per=60)
    return timeseries(
        'Why runs fail',
        'Which agent breaks, and on what? The name is that of the exception; a number in it is an HTTP status.',
        'suffix:/min',
        [Query(promql.or_none(errors, 'agent'), '{{agent}} {{error_type}}', 'with exemplars')],
        stacking='normal',
    )


def _open(promql: Promql) -> Json:
    return timeseries(
        'Open runs',
        'How many runs are going on at this moment? If they pile up, the oldest run tells which agent is stuck.',
        'none',
        [Query(promql.gauge('pydantic_ai_runs_in_progress', by='agent'), '{{agent}}')],
        stacking='normal',
    )


def _oldest(promql: Promql) -> Json:
    return timeseries(
        'Oldest open run',
        'Is a run stuck? The age of the oldest that was open around that moment; a line that climbs without end is one that hangs.',
        's',
        [Query(promql.largest('pydantic_ai_oldest_run_age_seconds', by='agent'), '{{agent}}')],
    )


def _phases(promql: Promql) -> Json:
    # A mean, as totals of agents that call each other would count the inner one twice.
    seconds = promql.about('pydantic_ai_run_phase_seconds_total', by='phase')
    runs = promql.observed(DURATION, over=RATE)
    return timeseries(
        'Where the time of an average run goes',
        'Is it slow because of the model or the tools? wait: for the first token; stream: first to last token; '
        'consumer: whoever reads the stream. A run that another calls is in the tools of that one.',
        's',
        [Query(ratio(seconds, runs, matching='on () group_left ()'), '{{phase}}')],
        colours=PHASES,
        stacking='normal',
    )


def _cost_by_model(promql: Promql) -> Json:
    return _per_hour(promql, 'Cost per hour by model', 'Which model is expensive?', 'model')


def _cost_by_agent(promql: Promql) -> Json:
    about = 'Which agent is expensive, with the agents that it calls?'
    return _per_hour(promql, 'Cost per hour by outermost agent', about, 'root_agent')


def _per_hour(promql: Promql, title: str, about: str, label: str) -> Json:
    cost = promql.rate(COST, by=label, per=3600)
    about += ' US dollars per hour; what has no price is on Agents / Models.'
    return timeseries(title, about, 'currencyUSD', [Query(cost, f'{{{{{label}}}}}')], stacking='normal')


def _retries(promql: Promql) -> Json:
    tools = promql.rate('pydantic_ai_tool_retries_total', by='agent', per=60)
    outputs = promql.rate('pydantic_ai_output_retries_total', by='agent', per=60)
    return timeseries(
        'Retries',
        'Does a model call wrongly, or answer what validators refuse? Each is one more request. See which tool on Agents / Tools.',
        'suffix:/min',
        [
            Query(promql.or_none(tools, 'agent'), '{{agent}} tool calls'),
            Query(promql.or_none(outputs, 'agent'), '{{agent}} outputs'),
        ],
        stacking='normal',
    )


OVERVIEW = Board(
    'overview',
    'Agents / Overview',
    'Are the agents all right, which one is not, and what do they cost?',
    ('agent', 'provider', 'model'),
    (slo, since_deploy, since_deploy_twice),
    _fill,
)
