"""Agents / Overview: is it all right, which agent is it, and what does it cost?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.board import WHOLE_RANGE, Board, link
from generator.layout import Layout
from generator.loop_lag import loop_lag
from generator.objectives import STREAMED, TTFT, first_token_in_time, slo
from generator.palette import OUTCOMES, PHASES
from generator.panels import Json, Query, stat, timeseries
from generator.percentiles import Distribution
from generator.promql import HOURS, NESTED, OUTERMOST, RANGE, RATE, ratio
from generator.tables import Column, table
from generator.trust import add_trust

if TYPE_CHECKING:
    from generator.promql import Promql

BLANK = 'pydantic_ai_run_time_to_first_output_seconds'
RUNS = 'pydantic_ai_runs_total'
COST = 'pydantic_ai_cost_usd_total'
DURATION = 'pydantic_ai_run_duration_seconds'
REQUESTS = 'pydantic_ai_requests_total'
RUN_COST = 'pydantic_ai_run_cost_usd'
SPEED = 'pydantic_ai_output_tokens_per_second'
TOOLS = 'pydantic_ai_tool_duration_seconds'

NO_RUNS = 'No runs'


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    layout.line(4, *_users(promql))
    layout.line(4, *_behind(promql))
    layout.line(8, _agents(promql))
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
    layout.row('What does a run take?')
    layout.line(8, *(each.percentiles() for each in _per_run(promql)))
    layout.row('What does it cost?')
    layout.line(8, _cost_by_model(promql), _cost_by_agent(promql), _cost_of_runs(promql).by(95, 'agent'))
    add_trust(layout, promql)
    return layout


def _users(promql: Promql) -> tuple[Json, ...]:
    """What users notice."""
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
            'Which share of them did their callers cancel, as by a user who left? If it grows, they wait too long or read nothing of use.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(RUNS, OUTERMOST, 'outcome="cancelled"'), runs)),
            none=NO_RUNS,
        ),
        stat(
            'Blank screen, p95',
            'How long does one user in twenty look at a blank screen? From the start of a run to its first text, '
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


def _behind(promql: Promql) -> tuple[Json, ...]:
    """What is behind it."""
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
            'Writing speed, median',
            'How fast do models write? Output tokens per second between first and last chunk, as providers report them.',
            'suffix:tok/s',
            promql.or_nothing(promql.quantile(0.5, SPEED, over=RANGE)),
            none='None measured',
        ),
        stat(
            'Stalls per stream',
            'Do streams fall silent in the middle? Stalls for each streamed request. If it is red, go to Agents / Streaming.',
            'percentunit',
            promql.or_nothing(ratio(promql.count('pydantic_ai_stream_stalls_total'), promql.count(REQUESTS, STREAMED))),
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


def _agents(promql: Promql) -> Json:
    runs, counted = promql.count(RUNS, by='agent'), promql.count(RUNS, promql.counted_run, by='agent')
    columns = [
        Column('Runs', 'locale', f'{runs} > 0', decimals=0),
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
        Column('Requests / run', 'short', promql.mean('pydantic_ai_run_requests', by='agent'), decimals=1),
        Column('Tool calls / run', 'short', promql.mean('pydantic_ai_run_tool_calls', by='agent'), decimals=1),
        Column('Tokens / run', 'short', promql.mean('pydantic_ai_run_tokens', by='agent')),
        Column('Cost / run', 'currencyUSD', promql.mean(RUN_COST, by='agent'), decimals=4),
        Column('Own cost', 'currencyUSD', f'{promql.count(COST, by="agent")} > 0', decimals=2),
        Column('With called', 'currencyUSD', f'{_as_agent(promql.count(COST, by="root_agent"))} > 0', decimals=2),
    ]
    links = [
        link('streaming', 'Streaming of this agent', 'agent', ('provider', 'model')),
        link('models', 'Models of this agent', 'agent', ('provider', 'model')),
        link('tools', 'Tools of this agent', 'agent'),
    ]
    return table(
        'Which agent is it?',
        'Which agent fails, is slow (blank: the time to its first text) or is dear? Nested runs were called by another '
        'agent; what a run takes and costs is with the runs that it called. Click a name for its streams, models or tools.',
        {'agent': 'Agent'},
        columns,
        links={'agent': links},
        sort_by=('Failed', 'With called', 'Runs'),
    )


def _as_agent(expr: str) -> str:
    return f'sum by (agent) (label_replace({expr}, "agent", "$1", "root_agent", "(.*)"))'


def _outcomes(promql: Promql) -> Json:
    runs = promql.seen(promql.rate(RUNS, OUTERMOST, by='outcome', per=60), RUNS, 'outcome')
    return timeseries(
        'Runs by outcome',
        'How do runs that users started end? Cancelled was stopped by its caller, as by a user who left; incomplete is a run whose end nobody saw.',
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
    return _per_hour(promql, 'Cost per hour by model', 'Which model is dear?', 'model')


def _cost_by_agent(promql: Promql) -> Json:
    about = 'Which agent is dear, with the agents that it calls?'
    return _per_hour(promql, 'Cost per hour by outermost agent', about, 'root_agent')


def _per_hour(promql: Promql, title: str, about: str, label: str) -> Json:
    cost = promql.rate(COST, by=label, per=3600)
    about += ' US dollars per hour; what has no price is on Agents / Models.'
    return timeseries(title, about, 'currencyUSD', [Query(cost, f'{{{{{label}}}}}')], stacking='normal')


def _cost_of_runs(promql: Promql) -> Distribution:
    about = 'What does a run cost, with the runs that it calls? US dollars.'
    return Distribution(promql, RUN_COST, 'Cost of a run', about, 'currencyUSD')


def _per_run(promql: Promql) -> tuple[Distribution, ...]:
    about = 'Does an agent go round in circles?'
    return (
        Distribution(
            promql,
            'pydantic_ai_run_requests',
            'Requests of a run',
            f'{about} With those of the runs that it calls.',
            'short',
        ),
        Distribution(
            promql,
            'pydantic_ai_run_tool_calls',
            'Tool calls of a run',
            f'{about} With those of the runs that it calls.',
            'short',
        ),
        _cost_of_runs(promql),
    )


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
    (slo,),
    _fill,
)
