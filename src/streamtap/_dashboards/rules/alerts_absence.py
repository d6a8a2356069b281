"""Alerts about what is missing: processes that are not scraped any more, taps that are gone, users that stay away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.promql.pieces import is_none_of, series
from streamtap._dashboards.rules.alert import Alert, label
from streamtap._dashboards.rules.amounts import Amounts
from streamtap._dashboards.rules.names import Level
from streamtap._dashboards.rules.spans import HOUR, largest_hour

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

BUILD = 'streamtap_build_info'
REMEMBERED = '1h'
"""For how long a tap that is gone is missed."""


def absence_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _down(config), _silent(config), _stopped(config)


def _reporting(config: Config) -> str:
    if not config.jobs_that_end:
        return series(BUILD)
    return f'{series(BUILD)}{{{is_none_of("job", config.jobs_that_end)}}}'


def _down(config: Config) -> Alert:
    kept = ', '.join(Level(config).labels)
    # Labels of the scrape: what was pushed has no `up`.
    taps = f'group by (job, instance) (last_over_time({_reporting(config)}[{REMEMBERED}]))'
    return Alert(
        'StreamtapTargetDown',
        f'count by ({kept}) (up == 0 and on (job, instance) {taps})',
        '2m',
        'warning',
        'overview',
        (),
        f'{{{{ $value }}}} processes{_of_job(config)} cannot be scraped',
        'They are down or do not answer: what they do is on no board and in no other alert.',
    )


def _silent(config: Config) -> Alert:
    kept, taps = ', '.join(Level(config).labels), _reporting(config)
    return Alert(
        'StreamtapSilent',
        f'group by ({kept}) (last_over_time({taps}[{REMEMBERED}]))\nunless group by ({kept}) ({taps})',
        '2m',
        'critical',
        'overview',
        (),
        f'No tap{_of_job(config)} reports any more',
        f'There were some within the last {REMEMBERED}. '
        'Everything is down, or nothing is scraped or received: no other alert can fire.',
    )


def _stopped(config: Config) -> Alert:
    kept, taps = ', '.join(Level(config).labels), _reporting(config)
    stopped = '\nor\n'.join(_none_now(config, window) for window in config.stopped)
    return Alert(
        'PydanticAITrafficStopped',
        f'(\n{stopped}\n)\nand on ({kept}) group by ({kept}) ({taps})',
        config.pending,
        'warning',
        'overview',
        (),
        f'No run{_of_job(config)} ended, where {{{{ $value | printf "%.0f" }}}} were expected',
        'As many did at the same time last week, or yesterday where there is no last week.',
    )


def _none_now(config: Config, window: str) -> str:
    level = Amounts(config).everything
    hourly = level.increase('runs', '1h')
    if seconds(window) <= HOUR:
        now = level.increase('runs', window)
        week, day = (f'avg_over_time({now}[30m] offset {offset})' for offset in ('167h45m', '23h45m'))
    else:
        now = largest_hour(hourly, window)
        week, day = (f'sum_over_time({hourly}[{window}:1h] offset {offset})' for offset in ('168h', '24h'))
    return f'({week} or {day}) >= {config.min_expected_runs}\nunless {now} > 0'


def _of_job(config: Config) -> str:
    return f' of {label("job")}' if 'job' in config.keep else ''
