"""Alerts about error budgets, of failures and of objectives: over an hour, a quarter of a day, a day and three."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.budget import Budget, Budgets
from streamtap._dashboards.rules.spans import HOUR, hours

if TYPE_CHECKING:
    from streamtap._dashboards.config import Burn, Config


def budget_alerts(config: Config) -> tuple[Alert, ...]:
    """One for each budget and each pace.

    Args:
        config: The budgets and the paces.
    """
    budgets = Budgets(config)
    return (
        *(
            _burning(config, budgets.failures, burn, 'RunFailures', 'overview', 'failed', 'an error budget')
            for burn in config.burns
        ),
        *(
            _burning(config, budgets.objectives, burn, 'ObjectiveBurn', 'health', 'missed their objective', 'a budget')
            for burn in config.burns
        ),
    )


def _burning(config: Config, budget: Budget, burn: Burn, name: str, board: str, what: str, called: str) -> Alert:
    share, limit = budget.share, f'{burn.factor:g} * {budget.allowed:g}'
    return Alert(
        f'PydanticAI{name}{burn.name}',
        f'{share.share(burn.long)} > {limit}\n'
        f'and {share.share(burn.short)} > {limit}\n'
        f'and {share.all(burn.long)} >= {config.min_runs}\n'
        f'and {share.share(burn.long)} * {share.all(burn.long)} >= {config.quiet_failures - 0.5:g}'
        f'{_old_enough(share.all("1h"), burn.long)}',
        burn.pending,
        burn.severity,
        board,
        ('agent',),
        percent(f'the runs of {label("agent")} {what} in the last {burn.long}'),
        f'At {burn.factor:g} times the pace that {called} of {budget.allowed:.2g} allows, '
        f'and it went on in the last {burn.short}.',
    )


def _old_enough(runs: str, window: str) -> str:
    """Six bad minutes are no bad day, only because nothing is known of the rest of it."""
    if seconds(window) <= HOUR:
        return ''
    half = f'{hours(window) // 2}h'
    return f'\nand present_over_time({runs}[{half}] offset {half})'
