"""How late the application's own event loop is, wherever a board asks whether it is us or the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, Query, heatmap, timeseries

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql

LAG = 'streamtap_event_loop_lag_seconds'
ABOUT = (
    'Is it us or the provider? How late our own event loop comes to what is due. '
    'If it is high when the time to first token is, something of ours blocks it, and no provider is to blame.'
)
EMPTY = 'Measured with Tap(loop_lag_every=0.1)'


def loop_lag(promql: Promql) -> Json:
    """Its percentiles by thread.

    Args:
        promql: Queries of the board.
    """
    quantiles = [
        Query(promql.quantile(percent / 100, LAG, by='thread'), f'p{percent} {{{{thread}}}}') for percent in (50, 99)
    ]
    return timeseries('Lag of our event loop', ABOUT, 's', quantiles, empty=EMPTY)


def loop_lag_cells(promql: Promql) -> Json:
    """All of it, as a heatmap.

    Args:
        promql: Queries of the board.
    """
    return heatmap('Lag of our event loop: all', ABOUT, 's', promql.cells(LAG), empty=EMPTY)
