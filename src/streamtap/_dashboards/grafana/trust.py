"""The folded row of every board: can its numbers be believed?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, Query, timeseries
from streamtap._dashboards.grafana.queries import RANGE, scope

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.layout import Layout
    from streamtap._dashboards.grafana.queries import Promql


def add_trust(layout: Layout, promql: Promql) -> None:
    """Add the row.

    Args:
        layout: Of the board, at its end.
        promql: Queries of the board.
    """
    layout.folded('Can I trust this board?', 7, _errors(promql), _given_up(promql), _overflow(promql), _scrapes(promql))


def _errors(promql: Promql) -> Json:
    errors = promql.rate('streamtap_errors_total', by='where', per=60)
    return timeseries(
        'Errors of the tap',
        'Did the tap itself fail? Its failures never reach a run, but what it was measuring is missing here. '
        'The application logs each kind once.',
        'suffix:/min',
        [Query(promql.or_none(errors, 'where'), '{{where}}')],
        empty='No tap reports',
    )


def _given_up(promql: Promql) -> Json:
    dropped = promql.rate('streamtap_dropped_total', by='what', per=60)
    return timeseries(
        'Records given up',
        'Were records dropped at a cap? A slow sink of your own fills its queue; runs that never end fill the table of runs.',
        'suffix:/min',
        [Query(promql.or_none(dropped, 'what'), '{{what}}')],
        empty='No tap reports',
    )


def _overflow(promql: Promql) -> Json:
    overflow = promql.rate('streamtap_label_overflow_total', by='label', per=60)
    return timeseries(
        'Label values folded into _other',
        'Do some agents, models or tools hide in _other? A label has more values than its cap: give it fewer, or raise the cap.',
        'suffix:/min',
        [Query(promql.or_none(overflow, 'label'), '{{label}}')],
        empty='No tap reports',
    )


def _scrapes(promql: Promql) -> Json:
    labels = scope(promql.config)
    of_each, chosen = ', '.join(labels), ', '.join(f'{each}=~"${each}"' for each in labels)
    info = f'group by ({of_each}) (last_over_time({promql.processes()}[{RANGE}]))'
    if promql.config.recorded_every:
        answer = 'Scraped ones that answer, by job; '
        up = f'sum by ({of_each}) (up{{{chosen}}}) and on ({of_each}) {info}'
        versions = f'sum by (version, service_version) ({promql.processes()})'
    else:
        answer = 'Scraped ones that answer are at 1, those that do not at 0; '
        up = f'up{{{chosen}}} and on ({of_each}) {info}'
        versions = f'count by (version, service_version) ({promql.processes()})'
    return timeseries(
        'Processes that report',
        f'Is every process there? {answer}below them the processes of each version, also where metrics are pushed.',
        'none',
        [
            Query(up, f'up {" ".join(f"{{{{{each}}}}}" for each in labels)}'),
            Query(versions, 'streamtap {{version}}, service {{service_version}}'),
        ],
        empty='No tap reports',
    )
