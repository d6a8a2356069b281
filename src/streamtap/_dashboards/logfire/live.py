"""The board of what is open now, which spans cannot tell: they come when it is over."""

from __future__ import annotations

from streamtap._dashboards.logfire.panels import Group, LogfireBoard, lines, value
from streamtap._dashboards.logfire.sql import metric, sql

X = 'time_bucket($resolution, recorded_timestamp) AS x'
"""The time of a line drawn from metrics."""


def _over_time(name: str, labels: tuple[str, ...], values: str) -> str:
    group = ", ' ', ".join(f"attributes->>'{label}'" for label in labels)
    who = f'concat({group}) AS who, ' if labels else ''
    return sql(f"""
        SELECT {X}, {who}{values}
        FROM metrics
        WHERE {metric(name, *labels)}
        GROUP BY x{', who' if labels else ''}
        ORDER BY x
    """)


LIVE = LogfireBoard(
    'live',
    'Agents: live',
    'What hangs at this moment, and what do agents do wrong? It needs the metrics: Tap([*default_sinks(), OTelMetricSink()]).',
    (
        Group(
            'Now',
            (
                lines(
                    'Stalled streams',
                    'Which streams hang, before their first token or in the middle?',
                    _over_time('pydantic_ai_stalled_streams', ('model', 'stage'), 'metric_max(value) AS streams'),
                    group='who',
                    values=('streams',),
                ),
                lines(
                    'Age of the oldest run',
                    'Does a run not end?',
                    _over_time('pydantic_ai_oldest_run_age_seconds', ('agent',), 'metric_max(value) AS age'),
                    group='who',
                    values=('age',),
                    unit='seconds',
                ),
                lines(
                    'Runs in progress',
                    'How many runs are open?',
                    _over_time('pydantic_ai_runs_in_progress', ('agent',), 'metric_max(value) AS runs'),
                    group='who',
                    values=('runs',),
                ),
                lines(
                    'Requests in progress',
                    'How many requests are open?',
                    _over_time('pydantic_ai_requests_in_progress', ('model',), 'metric_max(value) AS requests'),
                    group='who',
                    values=('requests',),
                ),
            ),
        ),
        Group(
            'Runs',
            (
                value(
                    'Blank screen, p95',
                    'How long does one user in twenty see nothing, in seconds, across requests and tools?',
                    'SELECT metric_quantile(0.95, value) AS p95 FROM metrics WHERE '
                    + metric('pydantic_ai_run_time_to_first_output_seconds'),
                    width=24,
                ),
                lines(
                    'Blank screen p95 by agent',
                    'How long does one user in twenty see nothing, across requests and tools?',
                    _over_time(
                        'pydantic_ai_run_time_to_first_output_seconds',
                        ('agent',),
                        'metric_quantile(0.95, value) AS p95',
                    ),
                    group='who',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Where the time goes',
                    'Which phase takes the seconds?',
                    _over_time('pydantic_ai_run_phase_seconds_total', ('phase',), 'metric_increase(value) AS seconds'),
                    group='who',
                    values=('seconds',),
                    unit='seconds',
                ),
                lines(
                    'Runs by outcome',
                    'How do they end?',
                    _over_time('pydantic_ai_runs_total', ('outcome',), 'metric_increase(value) AS runs'),
                    group='who',
                    values=('runs',),
                ),
            ),
        ),
        Group(
            'What do agents do wrong?',
            (
                lines(
                    'Tool calls in a loop',
                    'Which tool is called again and again with the same arguments, and by which agent?',
                    _over_time(
                        'pydantic_ai_repeated_tool_calls_total', ('agent', 'tool'), 'metric_increase(value) AS calls'
                    ),
                    group='who',
                    values=('calls',),
                ),
                lines(
                    'Context window taken, p95',
                    'Will a model soon refuse what is sent to it? At 1 nothing more goes in.',
                    _over_time(
                        'pydantic_ai_context_window_used_ratio',
                        ('agent', 'model'),
                        'metric_quantile(0.95, value) AS share',
                    ),
                    group='who',
                    values=('share',),
                ),
                lines(
                    'Tokens bought again',
                    "Is a provider's cache missed, and why?",
                    _over_time(
                        'pydantic_ai_cache_missed_tokens_total',
                        ('model', 'reason'),
                        'metric_increase(value) AS tokens',
                    ),
                    group='who',
                    values=('tokens',),
                ),
                lines(
                    'Runs by objective',
                    'Do runs keep what was promised? It needs Tap(objective=...).',
                    _over_time('pydantic_ai_run_objectives_total', ('agent', 'met'), 'metric_increase(value) AS runs'),
                    group='who',
                    values=('runs',),
                ),
            ),
        ),
        Group(
            'Can I trust this board?',
            (
                lines(
                    'Responses that did not say all their usage',
                    'Are tokens and cost too low?',
                    _over_time(
                        'pydantic_ai_unmeasured_responses_total',
                        ('model', 'reason'),
                        'metric_increase(value) AS responses',
                    ),
                    group='who',
                    values=('responses',),
                ),
                lines(
                    'Failures of the tap',
                    'Is what is measured complete?',
                    _over_time('streamtap_errors_total', ('where',), 'metric_increase(value) AS failures'),
                    group='who',
                    values=('failures',),
                ),
            ),
        ),
    ),
)
