"""Alerts about ourselves: the tap, its labels, and the event loop of the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.growth import grown
from streamtap._dashboards.promql.pieces import series, total
from streamtap._dashboards.rules.alert import Alert, label
from streamtap._dashboards.rules.names import Level
from streamtap._dashboards.rules.shares import Shares

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config


def self_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _tap_failing(config), _overflow(config), _loop_lag(config)


def _tap_failing(config: Config) -> Alert:
    where, what = (
        _risen(config, name, label)
        for name, label in (('streamtap_errors_total', 'where'), ('streamtap_dropped_total', 'what'))
    )
    return Alert(
        'StreamtapFailing',
        f'{where}\nor\n{what}',
        '0m',
        'warning',
        'overview',
        (),
        f'The tap failed in {label("where")}{label("what")} in the last {config.tap_window}',
        'Runs are not affected, but what is measured is not complete.',
    )


def _overflow(config: Config) -> Alert:
    return Alert(
        'StreamtapLabelOverflow',
        _risen(config, 'streamtap_label_overflow_total', 'label'),
        '0m',
        'info',
        'overview',
        (),
        f'The label {label("label")} has more values than the tap keeps apart',
        'Further values are counted together, as _other.',
    )


def _loop_lag(config: Config) -> Alert:
    return Alert(
        'StreamtapEventLoopLag',
        Shares(config).loop_lag.above(config.max_lag_share),
        config.pending,
        'warning',
        'overview',
        ('instance',),
        f'The event loop of {label("instance")} was more than {config.loop_lag_seconds:g} s late, '
        '{{ $value | humanizePercentage }} of the time',
        'Something of our own blocks it, so that every model seems slow.',
    )


def _risen(config: Config, counter: str, by: str) -> str:
    return f'{total(Level(config, (by,)).labels, grown(series(counter), config.tap_window))} > 0'
