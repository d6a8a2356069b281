"""Agents / Streaming: how long until models say something, how fast do they write, and where do they stall?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import WHOLE_RANGE, Board
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.loop_lag import loop_lag, loop_lag_cells
from streamtap._dashboards.grafana.objectives import TTFT, first_token_in_time, slo
from streamtap._dashboards.grafana.palette import QUANTILES
from streamtap._dashboards.grafana.panels import Json, Query, heatmap, stat, timeseries
from streamtap._dashboards.grafana.percentiles import LOW, Distribution
from streamtap._dashboards.grafana.queries import RANGE, RATE, ratio
from streamtap._dashboards.grafana.trust import add_trust
from streamtap._dashboards.verdicts import NONE_IS_GOOD

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

SPEED = 'pydantic_ai_output_tokens_per_second'
GAPS = 'pydantic_ai_inter_chunk_latency_seconds'
MEAN_GAP = 'pydantic_ai_inter_chunk_latency_mean_seconds'
LONGEST_GAP = 'pydantic_ai_inter_chunk_latency_max_seconds'
NONE_STREAMED = 'None streamed'
GAPS_ABOUT = (
    'Does the stream flow, or does it come in bursts? How long the model lets readers wait between two chunks. '
    'Metrics that are pushed by OTLP know of each response only the mean, which is p50 here, and the longest, which are the rest.'
)


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    layout.line(4, *_now(promql))
    layout.row('How long until it says something?')
    first = Distribution(
        promql, TTFT, 'Time to first token', 'How long until a model says anything, thinking and tool calls included?'
    )
    output = Distribution(
        promql,
        'pydantic_ai_time_to_first_output_seconds',
        'Time to first output',
        'How long until a model says anything but thinking? Far above the first token: it thinks for long.',
    )
    for each in (first, output):
        layout.line(8, each.percentiles(), each.cells(), each.by(95, 'model'))
    layout.line(6, loop_lag(promql), loop_lag_cells(promql))
    layout.row('How fast does it write?')
    about = 'How fast do models write? Output tokens per second between first and last chunk, as providers report them.'
    speed = Distribution(promql, SPEED, 'Writing speed', about, 'suffix:tok/s', LOW)
    layout.line(8, speed.percentiles(), speed.cells(), speed.by(50, 'model'))
    layout.line(8, *_gaps(promql))
    layout.row('Does it stall?')
    layout.line(8, _stalled(promql), _stalls(promql), _lost(promql))
    layout.row('What does it write?')
    layout.line(8, _parts(promql), _part_durations(promql), _streamed(promql))
    add_trust(layout, promql)
    return layout


def _now(promql: Promql) -> tuple[Json, ...]:
    return (
        first_token_in_time(promql),
        stat(
            'Time to first token, p95',
            'How long does one request in twenty wait for its first token? If it grows for one model, ask its provider.',
            's',
            promql.or_nothing(promql.quantile(0.95, TTFT, over=RANGE)),
            verdict=promql.verdicts.first_token,
            none=NONE_STREAMED,
        ),
        stat(
            'Writing speed, p50',
            'How fast do models write? Fewer tokens per second with the same model means a busy provider.',
            'suffix:tok/s',
            promql.or_nothing(promql.quantile(0.5, SPEED, over=RANGE)),
            none='None measured',
        ),
        stat(
            'Streams stalled now',
            'Does a stream hang at this moment? Its present silence is past the threshold of the tap.',
            'none',
            promql.or_zero(promql.gauge('pydantic_ai_stalled_streams')),
            verdict=NONE_IS_GOOD,
        ),
    )


def _gaps(promql: Promql) -> tuple[Json, ...]:
    def gaps(percent: int, pushed: str, by: str = '') -> str:
        q = percent / 100
        return f'{promql.quantile(q, GAPS, by=by)} or {promql.quantile(q, pushed, by=by)}'

    known = ((50, MEAN_GAP), (95, LONGEST_GAP), (99, LONGEST_GAP))
    queries = [Query(gaps(percent, pushed), f'p{percent}', 'with exemplars') for percent, pushed in known]
    cells = f'{promql.cells(GAPS)} or {promql.cells(LONGEST_GAP)}'
    by_model = gaps(95, LONGEST_GAP, 'model')
    return (
        timeseries('Wait between chunks', GAPS_ABOUT, 's', queries, colours=QUANTILES),
        heatmap('Wait between chunks: all', GAPS_ABOUT, 's', cells),
        timeseries(
            'Wait between chunks: p95 by model', GAPS_ABOUT, 's', [Query(by_model, '{{model}}', 'with exemplars')]
        ),
    )


def _stalled(promql: Promql) -> Json:
    stalled = promql.present('pydantic_ai_stalled_streams', by='model, stage')
    return timeseries(
        'Streams stalled now',
        'Which streams hang at this moment, before their first token or in mid-stream? They show while they hang.',
        'none',
        [Query(promql.or_none(stalled, 'model'), '{{model}} {{stage}}')],
        stacking='normal',
    )


def _stalls(promql: Promql) -> Json:
    stalls = promql.rate('pydantic_ai_stream_stalls_total', by='model', per=60)
    return timeseries(
        'Stalls',
        'Which model falls silent in mid-stream, and how often? Silences longer than the threshold, when they ended.',
        'suffix:/min',
        [Query(promql.or_none(stalls, 'model'), '{{model}}')],
        stacking='normal',
    )


def _lost(promql: Promql) -> Json:
    silent = promql.about('pydantic_ai_stream_stall_seconds_total', by='model')
    share = ratio(silent, promql.total('pydantic_ai_request_duration_seconds', by='model', over=RATE))
    return timeseries(
        'Time lost in stalls',
        'What do stalls cost? The share of all request time that was silence.',
        'percentunit',
        [Query(promql.or_none(share, 'model'), '{{model}}')],
    )


def _parts(promql: Promql) -> Json:
    return timeseries(
        'Parts',
        'What do models write: thinking, text or tool calls? A new kind, or twice as many calls, is a new behaviour.',
        'suffix:/min',
        [Query(promql.rate('pydantic_ai_parts_total', by='kind', per=60), '{{kind}}')],
        stacking='normal',
    )


def _part_durations(promql: Promql) -> Json:
    durations = promql.quantile(0.95, 'pydantic_ai_part_duration_seconds', by='kind')
    return timeseries(
        'Duration of parts: p95',
        'What takes long to write? From the start of a part to its last chunk.',
        's',
        [Query(durations, '{{kind}}', 'with exemplars')],
    )


def _streamed(promql: Promql) -> Json:
    requests = promql.rate('pydantic_ai_requests_total', by='streamed', per=60)
    return timeseries(
        'Requests, streamed or not',
        'Is everything streamed that should be? What is not has no time to first token, and is not on this board.',
        'suffix:/min',
        [Query(requests, 'streamed {{streamed}}')],
        stacking='normal',
    )


STREAMING = Board(
    'streaming',
    'Agents / Streaming',
    'How long until models say something, how fast do they write, and where do they stall?',
    ('agent', 'provider', 'model'),
    (slo,),
    _fill,
)
