"""Agents / Models: is it the provider, and what do we pay it for?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import WHOLE_RANGE, Board, link
from streamtap._dashboards.grafana.cache_hits import CACHED, INPUT, WRITTEN, cache_share, cache_share_over_time
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.objectives import TTFT
from streamtap._dashboards.grafana.palette import OUTCOMES, TOKENS
from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import FAILED_REQUEST, RANGE, less, ratio
from streamtap._dashboards.grafana.tables import Column, table
from streamtap._dashboards.grafana.trust import add_trust

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

REQUESTS = 'pydantic_ai_requests_total'
RESPONSES = 'pydantic_ai_responses_total'
DURATION = 'pydantic_ai_request_duration_seconds'
OUTPUT = 'pydantic_ai_output_tokens_total'
REASONING = 'pydantic_ai_reasoning_tokens_total'
COST = 'pydantic_ai_cost_usd_total'
UNMEASURED = 'pydantic_ai_unmeasured_responses_total'
UNPRICED = 'pydantic_ai_unpriced_responses_total'

NO_REQUESTS = 'No requests'


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    layout.line(4, *_now(promql))
    layout.line(7, _models(promql))
    layout.row('Does a provider fail?')
    layout.line(8, _outcomes(promql), _errors(promql), _failed(promql))
    layout.row('How do responses end, and who answers?')
    layout.line(8, _finish_reasons(promql), _who_answers(promql), _open(promql))
    layout.row('How long do requests take?')
    duration = Distribution(
        promql, DURATION, 'Request time', 'How long do requests take, from the start to the last event?'
    )
    layout.line(8, duration.percentiles(), duration.cells(), duration.by(95, 'model'))
    layout.row('What goes in and out?')
    context = Distribution(
        promql,
        'pydantic_ai_request_input_tokens',
        'Input tokens of a request',
        'Do contexts grow? Each step of a run sends all that was said before.',
        'short',
    )
    layout.line(8, _tokens(promql), context.percentiles(), _cache_share(promql))
    layout.row('What does it cost?')
    layout.line(8, _cost(promql), _output_price(promql), _uncounted(promql))
    add_trust(layout, promql)
    return layout


def _now(promql: Promql) -> tuple[Json, ...]:
    requests, responses = promql.count(REQUESTS), promql.count(RESPONSES)
    uncounted = f'({promql.or_zero(promql.count(UNMEASURED))}) + ({promql.or_zero(promql.count(UNPRICED))})'
    return (
        stat(
            'Requests',
            'How much is asked? Attempts that ended in the time range, failed ones included.',
            'locale',
            promql.or_nothing(f'{requests} > 0'),
            none=NO_REQUESTS,
            decimals=0,
        ),
        stat(
            'Failed requests',
            'Which share of the requests failed? A fallback may answer all the same; see which model and why, below.',
            'percentunit',
            promql.or_nothing(ratio(promql.count(REQUESTS, FAILED_REQUEST), requests)),
            verdict=promql.verdicts.failed_requests,
            none=NO_REQUESTS,
        ),
        stat(
            'Input from the cache',
            'Which share of the input tokens was read from a cache? If it falls, something at the front of the prompt changes. A provider that says nothing of a cache may have none.',
            'percentunit',
            promql.or_nothing(cache_share(promql)),
            none='No cache seen',
        ),
        stat(
            'Uncounted responses',
            'Are tokens and cost too low? The share of responses that did not say all their usage, interrupted ones included, or have no known price.',
            'percentunit',
            promql.or_nothing(ratio(f'({uncounted})', responses)),
            verdict=promql.verdicts.unmeasured,
            none=NO_REQUESTS,
        ),
    )


def _models(promql: Promql) -> Json:
    by = 'provider, model'
    requests = promql.count(REQUESTS, by=by)
    output = promql.count(OUTPUT, by=by)
    cost = promql.count(COST, by=by)
    columns = [
        Column('Requests', 'locale', f'{requests} > 0', decimals=0),
        Column(
            'Failed',
            'percentunit',
            ratio(promql.count(REQUESTS, FAILED_REQUEST, by=by), requests),
            promql.verdicts.failed_requests,
            decimals=1,
        ),
        Column('First token p95', 's', promql.quantile(0.95, TTFT, by=by, over=RANGE), promql.verdicts.first_token),
        Column('Request p95', 's', promql.quantile(0.95, DURATION, by=by, over=RANGE)),
        Column(
            'Tokens / s',
            'short',
            promql.quantile(0.5, 'pydantic_ai_output_tokens_per_second', by=by, over=RANGE),
            decimals=0,
        ),
        Column('Input tokens', 'short', f'{promql.count(INPUT, by=by)} > 0'),
        Column(
            'From cache',
            'percentunit',
            cache_share(promql, by),
            decimals=0,
        ),
        Column('Output tokens', 'short', f'{output} > 0'),
        Column('Cost', 'currencyUSD', f'{cost} > 0', decimals=2),
        Column('Cost / 1k out', 'currencyUSD', f'{ratio(cost, output)} * 1000', decimals=4),
    ]
    links = [
        link(promql.config, 'streaming', 'Streaming of this model', 'model', ('agent', 'provider')),
        link(promql.config, 'overview', 'Agents that use this model', 'model', ('agent', 'provider')),
    ]
    return table(
        'Which model is it?',
        'Which model fails, is slow or is expensive? Click a name for its streams.',
        {'provider': 'Provider', 'model': 'Model'},
        columns,
        links={'model': links},
        sort_by=('Failed', 'Cost', 'Requests'),
    )


def _outcomes(promql: Promql) -> Json:
    requests = promql.seen(promql.rate(REQUESTS, by='outcome', per=60), REQUESTS, 'outcome')
    return timeseries(
        'Requests by outcome',
        'How do requests end? Cancelled is a caller who left.',
        'suffix:/min',
        [Query(requests, '{{outcome}}')],
        colours=OUTCOMES,
        stacking='normal',
    )


def _errors(promql: Promql) -> Json:
    errors = promql.rate('pydantic_ai_request_errors_total', by='model, error_type', per=60)
    return timeseries(
        'Why requests fail',
        'Which model fails, and on what? _429 is a rate limit, _5xx the provider, anything else the stream or this side.',
        'suffix:/min',
        [Query(promql.or_none(errors, 'model'), '{{model}} {{error_type}}', 'with exemplars')],
        stacking='normal',
    )


def _failed(promql: Promql) -> Json:
    failed = ratio(promql.about(REQUESTS, FAILED_REQUEST, by='model'), promql.about(REQUESTS, by='model'))
    return timeseries(
        'Failed requests by model',
        'Is it one model or all of them? All at once is the network or this side; one is its provider.',
        'percentunit',
        [Query(failed, '{{model}}')],
    )


def _finish_reasons(promql: Promql) -> Json:
    return timeseries(
        'Finish reasons',
        'Why do models stop? More length: answers are cut off. More content_filter: they are refused.',
        'percentunit',
        [Query(promql.rate(RESPONSES, by='finish_reason'), '{{finish_reason}}')],
        colours={'stop': 'green', 'tool_call': 'blue', 'length': 'yellow', 'content_filter': 'purple', 'error': 'red'},
        stacking='percent',
    )


def _who_answers(promql: Promql) -> Json:
    answers = promql.rate(REQUESTS, 'outcome="success"', by='agent, model', per=60)
    return timeseries(
        'Who answers each agent',
        'Does a fallback answer? Successful requests of each agent by model: the fallback is the one that should not be there.',
        'suffix:/min',
        [Query(answers, '{{agent}} {{model}}')],
        stacking='normal',
    )


def _open(promql: Promql) -> Json:
    return timeseries(
        'Open requests',
        'How many requests wait for a model at this moment? Piling up for one model: it is slow, or it limits.',
        'none',
        [Query(promql.gauge('pydantic_ai_requests_in_progress', by='model'), '{{model}}')],
        stacking='normal',
    )


def _tokens(promql: Promql) -> Json:
    fresh = less(promql.rate(INPUT, per=60), promql.rate(CACHED, per=60))
    visible = less(promql.rate(OUTPUT, per=60), promql.rate(REASONING, per=60))
    queries = {
        'input': fresh,
        'cached input': promql.rate(CACHED, per=60),
        'output': visible,
        'reasoning': promql.rate(REASONING, per=60),
        'cache writes': promql.rate(WRITTEN, per=60),
    }
    return timeseries(
        'Tokens per minute',
        'Which tokens are they? Cached input is cheap, writing to a cache costs more than input, reasoning is output that nobody reads.',
        'short',
        [Query(query, legend) for legend, query in queries.items()],
        colours=TOKENS,
        stacking='normal',
    )


def _cache_share(promql: Promql) -> Json:
    return timeseries(
        'Input from the cache by model',
        'Does the cache work? A fall after a deploy: something at the front of the prompt changes with each request.',
        'percentunit',
        [Query(cache_share_over_time(promql, 'model'), '{{model}}')],
        empty='None',
    )


def _cost(promql: Promql) -> Json:
    return timeseries(
        'Cost per hour by model',
        'Which model is expensive? US dollars: prices of your own, else as charged, else list prices.',
        'currencyUSD',
        [Query(promql.rate(COST, by='model', per=3600), '{{model}}')],
        stacking='normal',
    )


def _output_price(promql: Promql) -> Json:
    price = ratio(promql.about(COST, by='model'), promql.about(OUTPUT, by='model'))
    return timeseries(
        'Cost per 1k output tokens',
        'What does an answer cost, with all the input that it took? It grows with contexts and falls with caches.',
        'currencyUSD',
        [Query(f'{price} * 1000', '{{model}}')],
    )


def _uncounted(promql: Promql) -> Json:
    unmeasured, unpriced = (
        promql.rate(UNMEASURED, by='model, reason', per=60),
        promql.rate(UNPRICED, by='model', per=60),
    )
    return timeseries(
        'Uncounted responses',
        'Whose tokens or cost are too low? Not reported, interrupted before all was said, or repeated in each chunk, which the log says how to cure. Unpriced: no price is known, give Tap(price=...).',
        'suffix:/min',
        [
            Query(promql.or_none(unmeasured, 'model'), '{{model}} {{reason}}'),
            Query(promql.or_none(unpriced, 'model'), '{{model}} unpriced'),
        ],
    )


MODELS = Board(
    'models',
    'Agents / Models',
    'Is it the provider, and what do we pay it for?',
    ('agent', 'provider', 'model'),
    (),
    _fill,
)
