"""The board of models and tools, for Logfire."""

from __future__ import annotations

from streamtap._dashboards.logfire.panels import Group, LogfireBoard, lines, table
from streamtap._dashboards.logfire.sql import (
    AGENT,
    CALL_FAILED,
    COST,
    ERROR,
    FAILED,
    INPUT,
    MODEL,
    REQUESTS,
    RETRIED,
    TOOL,
    TOOL_CALLS,
    number,
    over_time,
    quantile,
    share,
    sql,
)
from streamtap._sinks.otel import semconv as names
from streamtap._sinks.otel.conventions.profiles import PROFILES

OUTPUT = number(names.USAGE_OUTPUT)
CACHED = f'coalesce({number(names.USAGE_CACHE_READ)}, 0)'
WRITTEN = f'coalesce({", ".join(number(each.cache_write) for each in PROFILES.values())}, 0)'
MISSED = f'coalesce({number(names.CACHE_MISSED_TOKENS)}, 0)'
CACHE_SHARE = f'CASE WHEN sum({CACHED} + {WRITTEN} + {MISSED}) > 0 THEN sum({CACHED}) / sum({INPUT}) END'
"""Nothing of a model of whose cache nothing was said: it may have none."""

MODELS_AND_TOOLS = LogfireBoard(
    'models-and-tools',
    'Agents: models and tools',
    'Is it the provider, or is it a tool?',
    (
        Group(
            'Models',
            (
                table(
                    'Models',
                    'Which model fails, and what does it cost?',
                    sql(f"""
                        SELECT {MODEL} AS model, count(1) AS requests, {share(FAILED)} AS failed,
                          {quantile(0.95, 'duration')} AS p95, sum({INPUT}) AS input_tokens,
                          {CACHE_SHARE} AS cached, sum({OUTPUT}) AS output_tokens, {COST} AS usd
                        FROM records
                        WHERE {REQUESTS}
                        GROUP BY model
                        ORDER BY failed DESC, usd DESC
                    """),
                ),
                lines(
                    'Failed requests by model',
                    'Since when does it fail?',
                    over_time('model', MODEL, f'{REQUESTS} AND {FAILED}', 'count(1) AS failed'),
                    group='model',
                    values=('failed',),
                ),
                lines(
                    'Cost by model',
                    'Which model does the money go to, in US dollars?',
                    over_time('model', MODEL, REQUESTS, f'{COST} AS usd'),
                    group='model',
                    values=('usd',),
                ),
                table(
                    'Failed requests by error',
                    'How does it fail?',
                    sql(f"""
                        SELECT {MODEL} AS model, {ERROR} AS error, count(1) AS requests, max(start_timestamp) AS last,
                          max(trace_id) AS a_trace_id
                        FROM records
                        WHERE {REQUESTS} AND {FAILED}
                        GROUP BY model, error
                        ORDER BY requests DESC
                    """),
                ),
            ),
        ),
        Group(
            'Tools',
            (
                table(
                    'Tools',
                    'Which tool fails, is asked again, or is slow?',
                    sql(f"""
                        SELECT {AGENT} AS agent, {TOOL} AS tool, count(1) AS calls, {share(CALL_FAILED)} AS failed,
                          {share(RETRIED)} AS retried,
                          {quantile(0.5, 'duration')} AS p50, {quantile(0.95, 'duration')} AS p95,
                          sum(duration) AS seconds
                        FROM records
                        WHERE {TOOL_CALLS}
                        GROUP BY agent, tool
                        ORDER BY failed DESC, seconds DESC
                    """),
                ),
                lines(
                    'Tool time p95',
                    'Since when is it slow?',
                    over_time('tool', TOOL, TOOL_CALLS, f'{quantile(0.95, "duration")} AS p95'),
                    group='tool',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Failed tool calls by tool',
                    'Since when does it fail?',
                    over_time('tool', TOOL, f'{TOOL_CALLS} AND {CALL_FAILED}', 'count(1) AS failed'),
                    group='tool',
                    values=('failed',),
                ),
            ),
        ),
    ),
)
