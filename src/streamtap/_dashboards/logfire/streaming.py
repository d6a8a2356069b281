"""The board of the streams, for Logfire."""

from __future__ import annotations

from streamtap._dashboards.logfire.panels import Group, LogfireBoard, lines, table
from streamtap._dashboards.logfire.sql import INPUT, MODEL, REQUESTS, STALLS, TTFT, number, over_time, quantile, sql
from streamtap._sinks.otel import semconv as names

TTFO = number(names.TIME_TO_FIRST_OUTPUT)
SPEED = number(names.TOKENS_PER_SECOND)

STREAMING = LogfireBoard(
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
                    over_time('model', MODEL, REQUESTS, f'{quantile(0.95, TTFT)} AS p95'),
                    group='model',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Time to first output p95',
                    'The same without thinking: what users can read.',
                    over_time('model', MODEL, REQUESTS, f'{quantile(0.95, TTFO)} AS p95'),
                    group='model',
                    values=('p95',),
                    unit='seconds',
                ),
                lines(
                    'Output tokens per second, median',
                    'How fast does a model write, once it writes?',
                    over_time('model', MODEL, REQUESTS, f'{quantile(0.5, SPEED)} AS p50'),
                    group='model',
                    values=('p50',),
                ),
                lines(
                    'Stalls by model',
                    'How often does an answer stop in the middle?',
                    over_time('model', MODEL, REQUESTS, f'{STALLS} AS stalls'),
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
