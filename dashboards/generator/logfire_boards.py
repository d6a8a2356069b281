"""The boards for Logfire: three from the spans that every tap sends, one from the metrics of `MetricSink`."""

from __future__ import annotations

from generator.logfire_live import LIVE
from generator.logfire_panels import Group, LogfireBoard, lines, table, value
from generator.logfire_sql import (
    AGENT,
    ERROR,
    FAILED,
    MODEL,
    REQUESTS,
    RUNS,
    TOOL,
    TOOL_CALLS,
    X,
    number,
    quantile,
    share_failed,
    sql,
)
from streamtap import _semconv as names

COST = f'sum({number(names.COST)})'
TTFT = number(names.TIME_TO_FIRST_CHUNK)
TTFO = number(names.TIME_TO_FIRST_OUTPUT)
SPEED = number(names.TOKENS_PER_SECOND)
STALLS = f'sum({number(names.STALLS)})'
INPUT, OUTPUT = number(names.USAGE_INPUT), number(names.USAGE_OUTPUT)
CACHED = f'coalesce({number(names.USAGE_CACHE_READ)}, 0)'


def _over_time(what: str, who: str, where: str, values: str) -> str:
    return sql(f"""
        SELECT {X}, {who} AS {what}, {values}
        FROM records
        WHERE {where}
        GROUP BY x, {what}
        ORDER BY x
    """)


_AGENTS = LogfireBoard(
    'agents',
    'Agents',
    'Are my agents all right, and if not: which one, since when, and in which trace?',
    (
        Group(
            'Is it all right?',
            (
                value('Runs', 'How much is going on?', f'SELECT count(1) AS runs FROM records WHERE {RUNS}'),
                value(
                    'Failed runs',
                    'Which share of the runs failed? Above 1 % see the table below.',
                    f'SELECT {share_failed()} AS failed FROM records WHERE {RUNS}',
                ),
                value(
                    'Run time p95',
                    'How long does one run in twenty take at least, in seconds?',
                    f'SELECT {quantile(0.95, "duration")} AS p95 FROM records WHERE {RUNS}',
                ),
                value(
                    'Cost',
                    'What did it cost in US dollars, at list prices?',
                    f'SELECT {COST} AS usd FROM records WHERE {REQUESTS}',
                ),
            ),
        ),
        Group(
            'Which agent?',
            (
                table(
                    'Agents',
                    'Which agent fails most, or is slowest?',
                    sql(f"""
                        SELECT {AGENT} AS agent, count(1) AS runs, {share_failed()} AS failed,
                          {quantile(0.5, 'duration')} AS p50, {quantile(0.95, 'duration')} AS p95
                        FROM records
                        WHERE {RUNS}
                        GROUP BY agent
                        ORDER BY failed DESC, p95 DESC
                    """),
                ),
                lines(
                    'Failed runs by agent',
                    'Since when do they fail?',
                    _over_time('agent', AGENT, f'{RUNS} AND {FAILED}', 'count(1) AS failed'),
                    group='agent',
                    values=('failed',),
                ),
                lines(
                    'Run time p95 by agent',
                    'Since when are they slow?',
                    _over_time('agent', AGENT, RUNS, f'{quantile(0.95, "duration")} AS p95'),
                    group='agent',
                    values=('p95',),
                    unit='seconds',
                ),
            ),
        ),
        Group(
            'Which trace?',
            (
                table(
                    'Last failed runs',
                    'Why did they fail? Search for the trace_id in the live view.',
                    sql(f"""
                        SELECT start_timestamp, {AGENT} AS agent, {ERROR} AS error, duration, trace_id
                        FROM records
                        WHERE {RUNS} AND {FAILED}
                        ORDER BY start_timestamp DESC
                        LIMIT 20
                    """),
                    width=12,
                ),
                table(
                    'Slowest runs',
                    'Where did their time go? Search for the trace_id in the live view.',
                    sql(f"""
                        SELECT duration, {AGENT} AS agent, start_timestamp, trace_id
                        FROM records
                        WHERE {RUNS}
                        ORDER BY duration DESC
                        LIMIT 20
                    """),
                    width=12,
                ),
            ),
        ),
    ),
)

_STREAMING = LogfireBoard(
    'streaming',
    'Agents: streaming',
    'How long is the screen blank, how fast does it write, and where does it stall?',
    (
        Group(
            'By model',
            (
                table(
                    'Streams by model',
                    'Which model is slow to begin, slow to write, or stalls?',
                    sql(f"""
                        SELECT {MODEL} AS model, count(1) AS streams, {quantile(0.5, TTFT)} AS ttft_p50,
                          {quantile(0.95, TTFT)} AS ttft_p95, {quantile(0.95, TTFO)} AS first_output_p95,
                          {quantile(0.5, SPEED)} AS tokens_per_second_p50, {STALLS} AS stalls,
                          max({number(names.MAX_INTER_CHUNK_LATENCY)}) AS longest_wait
                        FROM records
                        WHERE {REQUESTS} AND {TTFT} IS NOT NULL
                        GROUP BY model
                        ORDER BY ttft_p95 DESC
                    """),
                ),
            ),
        ),
        Group(
            'Since when?',
            (
                lines(
                    'Time to first token p95',
                    'How long does a model say nothing? Thinking counts as something.',
                    _over_time('model', MODEL, REQUESTS, f'{quantile(0.95, TTFT)} AS p95'),
                    group='model',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Time to first output p95',
                    'The same without thinking: what users can read.',
                    _over_time('model', MODEL, REQUESTS, f'{quantile(0.95, TTFO)} AS p95'),
                    group='model',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Output tokens per second, median',
                    'How fast does a model write, once it writes?',
                    _over_time('model', MODEL, REQUESTS, f'{quantile(0.5, SPEED)} AS p50'),
                    group='model',
                    values=('p50',),
                ),
                lines(
                    'Stalls',
                    'How often does an answer stop in the middle?',
                    _over_time('model', MODEL, REQUESTS, f'{STALLS} AS stalls'),
                    group='model',
                    values=('stalls',),
                ),
            ),
        ),
        Group(
            'Which trace?',
            (
                table(
                    'Slowest first tokens',
                    'What was asked, and of whom? Search for the trace_id in the live view.',
                    sql(f"""
                        SELECT {TTFT} AS first_token, {MODEL} AS model, {INPUT} AS input_tokens, start_timestamp, trace_id
                        FROM records
                        WHERE {REQUESTS} AND {TTFT} IS NOT NULL
                        ORDER BY first_token DESC
                        LIMIT 20
                    """),
                    width=12,
                ),
                table(
                    'Longest stalls',
                    'When in the answer did it stop? The events of the span say.',
                    sql(f"""
                        SELECT {number(names.STALL_TIME)} AS stalled, {MODEL} AS model, start_timestamp, trace_id
                        FROM records
                        WHERE {REQUESTS} AND {number(names.STALLS)} > 0
                        ORDER BY stalled DESC
                        LIMIT 20
                    """),
                    width=12,
                ),
            ),
        ),
    ),
)

_MODELS_AND_TOOLS = LogfireBoard(
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
                        SELECT {MODEL} AS model, count(1) AS requests, {share_failed()} AS failed,
                          {quantile(0.95, 'duration')} AS p95, sum({INPUT}) AS input_tokens,
                          sum({CACHED}) / sum({INPUT}) AS cached, sum({OUTPUT}) AS output_tokens, {COST} AS usd
                        FROM records
                        WHERE {REQUESTS}
                        GROUP BY model
                        ORDER BY failed DESC, usd DESC
                    """),
                ),
                lines(
                    'Failed requests by model',
                    'Since when does it fail?',
                    _over_time('model', MODEL, f'{REQUESTS} AND {FAILED}', 'count(1) AS failed'),
                    group='model',
                    values=('failed',),
                ),
                lines(
                    'Cost by model',
                    'Which model does the money go to, in US dollars?',
                    _over_time('model', MODEL, REQUESTS, f'{COST} AS usd'),
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
                    'Which tool is slow, or fails?',
                    sql(f"""
                        SELECT {AGENT} AS agent, {TOOL} AS tool, count(1) AS calls, {share_failed()} AS failed,
                          {quantile(0.5, 'duration')} AS p50, {quantile(0.95, 'duration')} AS p95,
                          sum(duration) AS seconds
                        FROM records
                        WHERE {TOOL_CALLS}
                        GROUP BY agent, tool
                        ORDER BY seconds DESC
                    """),
                ),
                lines(
                    'Tool time p95',
                    'Since when is it slow?',
                    _over_time('tool', TOOL, TOOL_CALLS, f'{quantile(0.95, "duration")} AS p95'),
                    group='tool',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Failed tool calls',
                    'Since when does it fail?',
                    _over_time('tool', TOOL, f'{TOOL_CALLS} AND {FAILED}', 'count(1) AS failed'),
                    group='tool',
                    values=('failed',),
                ),
            ),
        ),
    ),
)

BOARDS = (_AGENTS, _STREAMING, _MODELS_AND_TOOLS, LIVE)


def logfire_files() -> dict[str, str]:
    """The text of each board's file, by its path under `dashboards/`."""
    return {f'logfire/{board.name}.json': board.render() for board in BOARDS}
