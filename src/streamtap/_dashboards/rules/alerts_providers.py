"""Alerts about providers and their models: refusing, failing, out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.amounts import Amounts
from streamtap._dashboards.rules.shares import Shares

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

MODEL = ('provider', 'model')


def provider_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _down(config), _rate_limited(config), _failing(config)


def _down(config: Config) -> Alert:
    def no_answer(window: str, least: int) -> str:
        providers = Amounts(config).providers
        failed = providers.increase('requests_not_answered', window)
        return f'round({failed}) >= {least}\nunless {providers.increase("answered_requests", window)} > 0'

    return Alert(
        'PydanticAIProviderDown',
        f'{no_answer(config.short, config.min_failures)}\nor\n{no_answer(config.quiet_window, config.quiet_failures)}',
        config.pending,
        'critical',
        'models',
        ('provider',),
        f'{label("provider")} answers nothing: {{{{ $value | printf "%.0f" }}}} requests failed, and none succeeded',
        f'In the last {config.short}, or where there is little traffic in the last {config.quiet_window}.',
    )


def _rate_limited(config: Config) -> Alert:
    return Alert(
        'PydanticAIProviderRateLimited',
        Shares(config).rate_limited.above(config.max_rate_limited_share),
        config.pending,
        'warning',
        'models',
        MODEL,
        f'{label("provider")} refuses {{{{ $value | humanizePercentage }}}} of the requests to {label("model")} '
        'because of a rate limit',
        'Where a fallback answers, users only wait longer; else their runs fail.',
    )


def _failing(config: Config) -> Alert:
    return Alert(
        'PydanticAIProviderFailing',
        Shares(config).failed_requests.above(config.max_failed_share),
        config.pending,
        'warning',
        'models',
        MODEL,
        percent(f'the requests to {label("provider")} {label("model")} fail'),
        'Refused, broken in mid-stream or not answered; rate limits have an alert of their own.',
    )
