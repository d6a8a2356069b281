"""Agents / Health: what do agents do wrong?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.attempts import attempt_panels, attempt_tiles, first_try
from streamtap._dashboards.grafana.board import WHOLE_RANGE, Board, link
from streamtap._dashboards.grafana.cache import LOST, bought_again, cache_panels, cache_table, cache_tile
from streamtap._dashboards.grafana.context import USED, context_panels, context_table, context_tile
from streamtap._dashboards.grafana.deploy_time import since_deploy, since_deploy_twice
from streamtap._dashboards.grafana.deploys import DEPLOY, health_since
from streamtap._dashboards.grafana.goodput import goodput, goodput_panels, goodput_tile
from streamtap._dashboards.grafana.layout import Layout
from streamtap._dashboards.grafana.loops import loop_panels, loop_table, loop_tile, repeated_share, run_panels
from streamtap._dashboards.grafana.queries import RANGE
from streamtap._dashboards.grafana.tables import Column, table
from streamtap._dashboards.grafana.trust import add_trust

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.panels import Json
    from streamtap._dashboards.grafana.queries import Promql


def _fill(promql: Promql) -> Layout:
    layout = Layout()
    layout.row(WHOLE_RANGE)
    tiles = goodput_tile(promql), *attempt_tiles(promql), loop_tile(promql), context_tile(promql), cache_tile(promql)
    layout.line(4, *tiles)
    layout.line(7, _agents(promql))
    layout.row(DEPLOY)
    layout.line(4, *health_since(promql))
    layout.row('Is the objective met?')
    layout.line(8, *goodput_panels(promql))
    layout.row('Does an agent go round in circles?')
    layout.line(7, loop_table(promql))
    layout.line(8, *loop_panels(promql))
    layout.line(8, *run_panels(promql))
    layout.row('Does a context fill up?')
    layout.line(7, context_table(promql))
    layout.line(8, *context_panels(promql))
    layout.row('Is a cache missed?')
    layout.line(7, cache_table(promql))
    layout.line(8, *cache_panels(promql))
    layout.row('How many attempts does an answer take?')
    layout.line(8, *attempt_panels(promql))
    add_trust(layout, promql)
    return layout


def _agents(promql: Promql) -> Json:
    verdicts = promql.verdicts
    columns = [
        Column('Goodput', 'percentunit', goodput(promql, 'agent'), verdicts.goodput, decimals=1),
        Column('First try', 'percentunit', first_try(promql, 'agent'), decimals=1),
        Column('Calls in a loop', 'percentunit', repeated_share(promql, 'agent'), verdicts.repeated_calls, decimals=1),
        Column(
            'Window p95',
            'percentunit',
            promql.quantile(0.95, USED, by='agent', over=RANGE),
            verdicts.context_used,
            decimals=0,
        ),
        Column('Bought again', 'percentunit', bought_again(promql, 'agent'), verdicts.bought_again, decimals=1),
        Column('Lost', 'currencyUSD', f'{promql.count(LOST, by="agent")} > 0', decimals=2),
    ]
    links = [
        link(promql.config, 'health', 'Only this agent', 'agent'),
        link(promql.config, 'overview', 'This agent', 'agent', ('provider', 'model')),
        link(promql.config, 'tools', 'Tools of this agent', 'agent'),
    ]
    return table(
        'Which agent is it?',
        'Which agent misses its objective (goodput: the share of the runs that met it), calls tools in a loop, fills its context '
        'window, or buys again what a cache had? Lost: US dollars that caches would have saved. Click a name for its own figures.',
        {'agent': 'Agent'},
        columns,
        links={'agent': links},
        sort_by=('Calls in a loop', 'Window p95', 'Bought again'),
    )


HEALTH = Board(
    'health',
    'Agents / Health',
    'What do agents do wrong: do they miss what was promised, go in circles, fill their context, buy tokens again?',
    ('agent', 'provider', 'model', 'tool'),
    (since_deploy, since_deploy_twice),
    _fill,
)
