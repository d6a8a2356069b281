"""Whether the providers' caches are missed, and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.board import link
from streamtap._dashboards.grafana.cache_hits import INPUT, MISSED, cache_share, cache_share_over_time
from streamtap._dashboards.grafana.palette import MISSES
from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.queries import ratio
from streamtap._dashboards.grafana.tables import Column, table
from streamtap._dashboards.promql.pieces import is_one_of

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

SAVED = 'pydantic_ai_cache_saved_usd_total'
LOST = 'pydantic_ai_cache_lost_usd_total'
CONTEXT = 'agent, provider, model'
CACHES = 'Who buys tokens again?'


def bought_again(promql: Promql, by: str) -> str:
    """The share of the input tokens that were bought again for a reason that can be helped, as in the alert.

    Args:
        promql: Queries of the board.
        by: The labels.
    """
    tokens = promql.count(INPUT, by=by)
    missed = promql.count(MISSED, is_one_of('reason', promql.config.cache_miss_reasons), by=by)
    return ratio(f'({missed} or 0 * {tokens})', tokens)


def cache_tile(promql: Promql, leads_to: Json | None = None) -> Json:
    """The agent and model that miss their cache most.

    Args:
        promql: Queries of the board.
        leads_to: Where a click on it leads.
    """
    return stat(
        'Most bought again',
        "Is a cache missed? The share of the input tokens that the request before had left in the provider's cache, and "
        'that were paid for in full again, of the agent and the model with the largest. Caches that expired because a user '
        'came back late are not in it. If it is red, click on it.',
        'percentunit',
        promql.or_nothing(f'max ({bought_again(promql, CONTEXT)})'),
        verdict=promql.verdicts.bought_again,
        none='No tokens',
        leads_to=leads_to,
    )


def cache_table(promql: Promql) -> Json:
    """A row for each agent's requests to a model.

    Args:
        promql: Queries of the board.
    """
    tokens, missed = promql.count(INPUT, by=CONTEXT), promql.count(MISSED, by=CONTEXT)
    columns = [
        Column('Input tokens', 'short', f'{tokens} > 0'),
        Column('From the cache', 'percentunit', cache_share(promql, CONTEXT), decimals=0),
        Column('Bought again', 'short', f'{missed} > 0'),
        Column(
            'Can be helped',
            'percentunit',
            f'{bought_again(promql, CONTEXT)} > 0',
            promql.verdicts.bought_again,
            decimals=1,
        ),
        Column('Saved', 'currencyUSD', f'{promql.count(SAVED, by=CONTEXT)} > 0', decimals=2),
        Column('Lost', 'currencyUSD', f'{promql.count(LOST, by=CONTEXT)} > 0', decimals=2),
    ]
    return table(
        CACHES,
        'Which agent pays in full for what its last request had left in the cache? Can be helped: the share of the input that '
        'was bought again because the beginning of the prompt changed, or for no reason that was seen. Saved and lost: at list prices.',
        {'agent': 'Agent', 'provider': 'Provider', 'model': 'Model'},
        columns,
        links={
            'agent': [
                link(promql.config, 'health', 'Only this agent', 'agent'),
                link(promql.config, 'overview', 'This agent', 'agent'),
            ],
            'model': [link(promql.config, 'models', 'This model', 'model', ('agent', 'provider'))],
        },
        sort_by=('Can be helped', 'Lost', 'Input tokens'),
    )


def cache_panels(promql: Promql) -> tuple[Json, ...]:
    """Since when, why, and what it costs.

    Args:
        promql: Queries of the board.
    """
    return _hits(promql), _why(promql), _money(promql)


def _hits(promql: Promql) -> Json:
    return timeseries(
        'Input from the cache by agent',
        'Since when does the cache not work, and for whom? The share of the input tokens that was read from it.',
        'percentunit',
        [Query(cache_share_over_time(promql, 'agent, model'), '{{agent}} {{model}}')],
        empty='None',
    )


def _why(promql: Promql) -> Json:
    missed = promql.rate(MISSED, by='reason', per=60)
    return timeseries(
        'Tokens bought again',
        'Why is the cache missed? Tokens a minute. prefix_changed: something at the front of the prompt is new in each request; '
        'expired: five minutes had passed; below_minimum: too short to be kept; unknown: nothing of that was seen.',
        'short',
        [Query(promql.or_none(missed, 'reason'), '{{reason}}')],
        colours=MISSES,
        stacking='normal',
    )


def _money(promql: Promql) -> Json:
    saved, lost = (promql.rate(each, per=3600) for each in (SAVED, LOST))
    return timeseries(
        'Saved and lost by caching',
        'What is the cache worth, and what does missing it cost? US dollars an hour, at list prices.',
        'currencyUSD',
        [Query(promql.or_zero(saved), 'saved'), Query(promql.or_zero(lost), 'lost')],
        colours={'saved': 'green', 'lost': 'red'},
    )
