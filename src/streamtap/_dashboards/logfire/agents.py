"""The board of the agents, for Logfire: from "is it all right?" to a trace."""

from __future__ import annotations

from streamtap._dashboards.logfire.panels import Group, LogfireBoard, lines, table, value
from streamtap._dashboards.logfire.sql import (
    AGENT,
    CALL_FAILED,
    COST,
    ERROR,
    FAILED,
    NESTED,
    OUTERMOST,
    REQUESTS,
    RUNS,
    STALLS,
    TOOL,
    TOOL_CALLS,
    TTFT,
    how_many,
    over_time,
    quantile,
    share,
    sql,
)

AGENTS = LogfireBoard(
    'agents',
    'Agents',
    'Are my agents all right, and if not: which one, since when, and in which trace?',
    (
        Group(
            'Is it all right?',
            (
                value(
                    'Runs',
                    'How many runs did users start? Those that the tool of another run called are not counted here.',
                    f'SELECT count(1) AS runs FROM records WHERE {OUTERMOST}',
                ),
                value(
                    'Failed runs',
                    'Which share of these failed? Above 1 % see the table below.',
                    f'SELECT {share(FAILED)} AS failed FROM records WHERE {OUTERMOST}',
                ),
                value(
                    'Run time p95',
                    'How long does one run in twenty take at least, in seconds?',
                    f'SELECT {quantile(0.95, "duration")} AS p95 FROM records WHERE {OUTERMOST}',
                ),
                value(
                    'First token within 5 s',
                    'Which share of the first tokens came within five seconds? Requests that never had one are not here, '
                    'but in the board of the models.',
                    f'SELECT {share(f"{TTFT} <= 5")} AS within FROM records WHERE {REQUESTS} AND {TTFT} IS NOT NULL',
                ),
                value(
                    'Stalls',
                    'How often did an answer stop in the middle?',
                    f'SELECT {STALLS} AS stalls FROM records WHERE {REQUESTS}',
                ),
                value(
                    'Slowest tool p95',
                    'How long does one call in twenty of the slowest tool take at least, in seconds?',
                    sql(f"""
                        SELECT max(p95) AS p95 FROM (
                          SELECT {TOOL} AS tool, {quantile(0.95, 'duration')} AS p95
                          FROM records
                          WHERE {TOOL_CALLS}
                          GROUP BY tool
                        )
                    """),
                ),
                value(
                    'Failed tool calls',
                    'Which share of the tool calls failed? Those that the model was asked to make again are not counted.',
                    f'SELECT {share(CALL_FAILED)} AS failed FROM records WHERE {TOOL_CALLS}',
                ),
                value(
                    'Cost',
                    'What did it cost in US dollars?',
                    f'SELECT {COST} AS usd FROM records WHERE {REQUESTS}',
                ),
            ),
        ),
        Group(
            'Which agent?',
            (
                table(
                    'Agents',
                    'Which agent fails most, or is slowest? Runs are those that users started; nested ones were called by '
                    'another agent, come on top, and count in the share that failed and in run times.',
                    sql(f"""
                        SELECT {AGENT} AS agent, {how_many(f'NOT {NESTED}')} AS runs,
                          {how_many(NESTED)} AS nested, {share(FAILED)} AS failed,
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
                    over_time('agent', AGENT, f'{RUNS} AND {FAILED}', 'count(1) AS failed'),
                    group='agent',
                    values=('failed',),
                ),
                lines(
                    'Run time p95 by agent',
                    'Since when are they slow?',
                    over_time('agent', AGENT, RUNS, f'{quantile(0.95, "duration")} AS p95'),
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
