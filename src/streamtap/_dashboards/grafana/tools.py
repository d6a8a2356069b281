"""Agents / Tools: which tool hurts?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import WHOLE_RANGE, Board, link
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.palette import OUTCOMES
from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import RANGE, RATE, SECONDS, ratio
from streamtap._dashboards.grafana.tables import Column, table
from streamtap._dashboards.grafana.trust import add_trust

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

CALLS = 'pydantic_ai_tool_calls_total'
DURATION = 'pydantic_ai_tool_duration_seconds'
NO_CALLS = 'No calls'
RETRIED = 'outcome="retried"'


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    layout.line(4, *_now(promql))
    layout.line(9, _tools(promql))
    layout.row('What goes wrong?')
    layout.line(8, _outcomes(promql), _errors(promql), _retries(promql))
    layout.row('How long do tools take?')
    duration = Distribution(
        promql, DURATION, 'Tool time', 'How long do tools take, without their waiting for each other?'
    )
    layout.line(8, duration.by(95, 'tool'), duration.cells(), _spent(promql))
    layout.row('What is going on?')
    layout.line(8, _calls(promql), _open(promql), _output_retries(promql))
    add_trust(layout, promql)
    return layout


def _now(promql: Promql) -> tuple[Json, ...]:
    calls = promql.count(CALLS)
    return (
        stat(
            'Tool calls',
            'How much do agents do? Calls that ended in the time range.',
            'locale',
            promql.or_nothing(f'{calls} > 0'),
            none=NO_CALLS,
            decimals=0,
        ),
        stat(
            'Failed calls',
            'Which share of the calls raised or failed? See which tool and why, below.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(CALLS, promql.failed_call), calls)),
            verdict=promql.verdicts.failed_calls,
            none=NO_CALLS,
        ),
        stat(
            'Calls sent back',
            'Which share of the calls went back to the model, because it called wrongly? If it grows, improve its description.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(CALLS, RETRIED), calls)),
            none=NO_CALLS,
        ),
        stat(
            'Tool time, p95',
            'How long does one call in twenty take at least?',
            's',
            promql.or_nothing(promql.quantile(0.95, DURATION, over=RANGE)),
            verdict=promql.verdicts.tool_time,
            none=NO_CALLS,
        ),
    )


def _tools(promql: Promql) -> Json:
    by = 'agent, tool'
    calls = promql.count(CALLS, by=by)
    columns = [
        Column('Calls', 'locale', f'{calls} > 0', decimals=0),
        Column(
            'Failed',
            'percentunit',
            ratio(promql.count(CALLS, promql.failed_call, by=by), calls),
            promql.verdicts.failed_calls,
            decimals=1,
        ),
        Column('Sent back', 'percentunit', ratio(promql.count(CALLS, RETRIED, by=by), calls), decimals=1),
        Column('p50', 's', promql.quantile(0.5, DURATION, by=by, over=RANGE)),
        Column('p95', 's', promql.quantile(0.95, DURATION, by=by, over=RANGE), promql.verdicts.tool_time),
        Column('Share of run time', 'percentunit', _share_of_runs(promql), decimals=1),
        Column('Time in all', 's', f'{promql.total(DURATION, by=by)} > 0'),
    ]
    return table(
        'Which tool is it?',
        'Which tool fails, is called in vain, or takes the time of its agent? '
        'Calls that run beside each other count each, so that shares may add up to more than 100 %.',
        {'agent': 'Agent', 'tool': 'Tool'},
        columns,
        links={
            'agent': [
                link(promql.config, 'overview', 'This agent', 'agent'),
                link(promql.config, 'streaming', 'Streaming of this agent', 'agent'),
            ],
            'tool': [link(promql.config, 'tools', 'Only this tool', 'tool', ('agent',))],
        },
        sort_by=('Failed', 'Time in all', 'Calls'),
    )


def _share_of_runs(promql: Promql) -> str:
    spent = promql.total(DURATION, by='agent, tool')
    lasted = promql.total('pydantic_ai_run_duration_seconds', by='agent')
    return ratio(spent, lasted, matching='on (agent) group_left ()')


def _outcomes(promql: Promql) -> Json:
    calls = promql.seen(promql.rate(CALLS, by='outcome', per=60), CALLS, 'outcome')
    return timeseries(
        'Calls by outcome',
        'How do calls end? Retried went back to the model; interrupted is the sibling of one that raised.',
        'suffix:/min',
        [Query(calls, '{{outcome}}')],
        colours=OUTCOMES,
        stacking='normal',
    )


def _errors(promql: Promql) -> Json:
    errors = promql.rate('pydantic_ai_tool_errors_total', by='tool, error_type', per=60)
    return timeseries(
        'Why tools fail',
        'Which tool raises, and what? The name is that of the exception; it ends the run.',
        'suffix:/min',
        [Query(promql.or_none(errors, 'tool'), '{{tool}} {{error_type}}', 'with exemplars')],
        stacking='normal',
    )


def _retries(promql: Promql) -> Json:
    retries = promql.rate('pydantic_ai_tool_retries_total', by='tool, cause', per=60)
    return timeseries(
        'Why calls are sent back',
        'Does the model not understand a tool? validation_error: wrong arguments; model_retry: the tool itself asked; '
        'unknown_tool: the model invented it.',
        'suffix:/min',
        [Query(promql.or_none(retries, 'tool'), '{{tool}} {{cause}}')],
        stacking='normal',
    )


def _spent(promql: Promql) -> Json:
    spent = f'{promql.total(DURATION, by="tool", over=RATE)} / {SECONDS}'
    return timeseries(
        'Time spent in tools',
        'Which tool takes the time? Seconds per second, which is how many of its calls run at a time on average. '
        'Make the largest faster before you change the model.',
        'suffix:s/s',
        [Query(spent, '{{tool}}')],
        stacking='normal',
    )


def _calls(promql: Promql) -> Json:
    return timeseries(
        'Calls by tool',
        'Which tools are called? One that grows while runs do not is called in a loop.',
        'suffix:/min',
        [Query(promql.rate(CALLS, by='tool', per=60), '{{tool}}')],
        stacking='normal',
    )


def _open(promql: Promql) -> Json:
    return timeseries(
        'Open calls',
        'Which tools run at this moment? Piling up: what they call is slow or stuck.',
        'none',
        [Query(promql.gauge('pydantic_ai_tools_in_progress', by='tool'), '{{tool}}')],
        stacking='normal',
    )


def _output_retries(promql: Promql) -> Json:
    retries = promql.rate('pydantic_ai_output_retries_total', by='agent', per=60)
    return timeseries(
        'Outputs sent back',
        'Do validators refuse what models answer? Each is one more request; if it grows, fix the output type or the prompt.',
        'suffix:/min',
        [Query(promql.or_none(retries, 'agent'), '{{agent}}')],
    )


TOOLS = Board('tools', 'Agents / Tools', 'Which tool hurts?', ('agent', 'tool'), (), _fill)
