"""Agents / Overview: is it all right, which agent is it, and what does it cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.board import Board, link
from generator.layout import Layout
from generator.objectives import SLO, TTFT, first_token_in_time
from generator.palette import FEW_ARE_BAD, OUTCOMES, PHASES
from generator.panels import Json, Query, stat, timeseries
from generator.percentiles import Distribution
from generator.promql import COUNTED_RUN, FAILED_RUN, RANGE, ratio
from generator.tables import Column, table
from generator.trust import add_trust

if TYPE_CHECKING:
    from generator.promql import Promql

BLANK = 'pydantic_ai_run_time_to_first_output_seconds'
RUNS = 'pydantic_ai_runs_total'
COST = 'pydantic_ai_cost_usd_total'


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.line(4, *_health(promql))
    layout.line(4, *_speed_and_cost(promql))
    layout.line(7, _agents(promql))
    layout.row('What goes wrong?')
    layout.line(8, _outcomes(promql), _errors(promql), _open(promql), _oldest(promql))
    layout.row('Where does the time go?')
    blank = Distribution(promql, BLANK, 'Blank screen', 'How long do users look at nothing, across requests and tools?')
    duration = Distribution(promql, 'pydantic_ai_run_duration_seconds', 'Run time', 'How long do runs take?')
    layout.line(8, blank.percentiles(), duration.percentiles(), _phases(promql))
    layout.line(8, blank.cells(), duration.cells(), blank.by(95, 'agent'))
    layout.row('What does it cost?')
    layout.line(8, _cost_by_model(promql), _cost_by_agent(promql), _cost_by_outcome(promql))
    add_trust(layout, promql)
    return layout


def _health(promql: Promql) -> tuple[Json, ...]:
    return (
        stat(
            'Blank screen, p95',
            'How long does one user in twenty look at a blank screen? From the start of a run to its first text, '
            'across requests and tools. If it grows, look at where the time goes, below.',
            's',
            promql.quantile(0.95, BLANK),
        ),
        stat('Runs', 'How much is going on? Runs that ended, per minute.', 'suffix:/min', f'{promql.rate(RUNS)} * 60'),
        stat(
            'Failed runs',
            'Which share of the runs ends in an error, a timeout or a limit? If it is red, see which agent and why, below.',
            'percentunit',
            ratio(promql.rate(RUNS, FAILED_RUN), promql.rate(RUNS, COUNTED_RUN)),
            verdict=FEW_ARE_BAD,
        ),
        first_token_in_time(promql),
    )


def _speed_and_cost(promql: Promql) -> tuple[Json, ...]:
    return (
        stat(
            'Run time, p95',
            'How long does one run in twenty take at least? If it grows, see whether models or tools do, below.',
            's',
            promql.quantile(0.95, 'pydantic_ai_run_duration_seconds'),
        ),
        stat(
            'Time to first token, p95',
            'How long until a model says anything, thinking included? If it grows, go to Agents / Streaming.',
            's',
            promql.quantile(0.95, TTFT),
        ),
        stat(
            'Writing speed, median',
            'How fast do models write? Output tokens per second between first and last chunk, as providers report them.',
            'suffix:tok/s',
            promql.quantile(0.5, 'pydantic_ai_output_tokens_per_second'),
        ),
        stat(
            'Cost per hour',
            'What does it cost per hour? Prices of your own, else as charged, else list prices. If it grows, see which model and which agent, below.',
            'currencyUSD',
            f'{promql.rate(COST)} * 3600',
        ),
    )


def _agents(promql: Promql) -> Json:
    runs, counted = promql.increase(RUNS, by='agent'), promql.increase(RUNS, COUNTED_RUN, by='agent')
    tokens = f'({promql.increase("pydantic_ai_input_tokens_total", by="agent")} + {promql.increase("pydantic_ai_output_tokens_total", by="agent")})'
    columns = [
        Column('Runs', 'locale', runs, decimals=0),
        Column(
            'Failed',
            'percentunit',
            ratio(promql.increase(RUNS, FAILED_RUN, by='agent'), counted),
            FEW_ARE_BAD,
            decimals=1,
        ),
        Column('Blank p95', 's', promql.quantile(0.95, BLANK, by='agent', over=RANGE)),
        Column('Run p50', 's', promql.quantile(0.5, 'pydantic_ai_run_duration_seconds', by='agent', over=RANGE)),
        Column('Run p95', 's', promql.quantile(0.95, 'pydantic_ai_run_duration_seconds', by='agent', over=RANGE)),
        Column('Requests / run', 'short', promql.mean('pydantic_ai_run_requests', by='agent', over=RANGE), decimals=1),
        Column(
            'Tool calls / run', 'short', promql.mean('pydantic_ai_run_tool_calls', by='agent', over=RANGE), decimals=1
        ),
        Column('Tokens / run', 'short', ratio(tokens, runs)),
        Column(
            'Cost / run', 'currencyUSD', promql.mean('pydantic_ai_run_cost_usd', by='agent', over=RANGE), decimals=4
        ),
        Column('Cost', 'currencyUSD', promql.increase(COST, by='agent'), decimals=2),
    ]
    links = [
        link('streaming', 'Streaming of this agent', 'agent', ('provider', 'model')),
        link('models', 'Models of this agent', 'agent', ('provider', 'model')),
        link('tools', 'Tools of this agent', 'agent'),
    ]
    return table(
        'Which agent is it?',
        'Which agent fails, is slow (blank: the time to its first text) or is dear? Over the whole time range; '
        'click a name for its streams, models or tools.',
        {'agent': 'Agent'},
        columns,
        links={'agent': links},
        sort_by='Runs',
    )


def _outcomes(promql: Promql) -> Json:
    runs = promql.seen(f'{promql.rate(RUNS, by="outcome")} * 60', RUNS, 'outcome')
    return timeseries(
        'Runs by outcome',
        'How do runs end? Cancelled was stopped by its caller, as by a user who left; incomplete is a run whose end nobody saw.',
        'suffix:/min',
        [Query(runs, '{{outcome}}')],
        colours=OUTCOMES,
        stacking='normal',
    )


def _errors(promql: Promql) -> Json:
    errors = promql.rate('pydantic_ai_run_errors_total', by='agent, error_type')
    return timeseries(
        'Why runs fail',
        'Which agent breaks, and on what? The name is that of the exception; a number in it is an HTTP status.',
        'suffix:/min',
        [Query(promql.or_none(f'{errors} * 60', 'agent'), '{{agent}} {{error_type}}', 'with exemplars')],
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
    seconds = promql.rate('pydantic_ai_run_phase_seconds_total', by='phase')
    runs = promql.rate('pydantic_ai_run_duration_seconds_count')
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
    return _per_hour(promql, 'Cost per hour by model', 'Which model is dear?', 'model')


def _cost_by_agent(promql: Promql) -> Json:
    about = 'Which agent is dear, with the agents that it calls?'
    return _per_hour(promql, 'Cost per hour by outermost agent', about, 'root_agent')


def _per_hour(promql: Promql, title: str, about: str, label: str) -> Json:
    cost = f'{promql.rate(COST, by=label)} * 3600'
    about += ' US dollars per hour; what has no price is on Agents / Models.'
    return timeseries(title, about, 'currencyUSD', [Query(cost, f'{{{{{label}}}}}')], stacking='normal')


def _cost_by_outcome(promql: Promql) -> Json:
    cost = f'{promql.rate("pydantic_ai_run_cost_usd_sum", by="outcome")} * 3600'
    return timeseries(
        'Cost per hour by outcome of the run',
        'How much is spent on runs that fail? US dollars per hour.',
        'currencyUSD',
        [Query(cost, '{{outcome}}')],
        colours=OUTCOMES,
        stacking='normal',
    )


OVERVIEW = Board(
    'overview',
    'Agents / Overview',
    'Are the agents all right, which one is not, and what do they cost?',
    ('agent', 'provider', 'model'),
    (SLO,),
    _fill,
)
