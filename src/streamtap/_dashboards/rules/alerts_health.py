"""Alerts about what agents do wrong: going in circles, filling their context, buying the same tokens again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.amounts import Amounts
from streamtap._dashboards.rules.shares import Shares
from streamtap._dashboards.rules.spans import HOUR

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

CONTEXT = ('agent', 'model')


def health_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _looping(config), _context(config), _cache(config)


def _looping(config: Config) -> Alert:
    return Alert(
        'PydanticAIAgentLooping',
        Shares(config).repeated_calls.above(config.max_repeated_share, least=config.min_repeated_calls),
        config.pending,
        'warning',
        'health',
        ('agent', 'tool'),
        percent(f'the calls of {label("tool")} by {label("agent")} repeat earlier ones of their run'),
        f'The same arguments for the third time or more, at least {config.min_repeated_calls} times: '
        'the agent goes in circles, and each round is paid for.',
    )


def _context(config: Config) -> Alert:
    limit = config.max_full_context_share
    return Alert(
        'PydanticAIContextNearlyFull',
        # One that is nearly full is no matter of chance: it does not take most of them.
        Shares(config).full_contexts.above(limit, quiet_limit=limit, least=config.min_failures),
        config.pending,
        'warning',
        'health',
        CONTEXT,
        percent(
            f'the requests of {label("agent")} take more than {config.full_context:.0%} of what {label("model")} can hold'
        ),
        'At the limit the model refuses them, or forgets; before it, each is slow and expensive.',
    )


def _cache(config: Config) -> Alert:
    share, amounts = Shares(config).bought_again, Amounts(config)

    def lost(window: str) -> str:
        hourly = f' * {HOUR / seconds(window):g}' if seconds(window) != HOUR else ''
        return f'{amounts.contexts.increase("cache_lost_usd", window)}{hourly} >= {config.min_lost_usd:g}'

    def requests(window: str) -> str:
        return amounts.contexts.increase('measured_requests', window)

    limit, long, quiet = config.max_bought_again_share, config.window, config.quiet_window
    return Alert(
        'PydanticAICacheMissed',
        f'{share.share(long)} > {limit:g}\n'
        f'and {share.share(config.short)} > {limit:g}\n'
        f'and {requests(long)} >= {config.busy}\n'
        f'and {lost(long)}\n'
        f'or\n'
        f'{share.share(quiet)} > {max(limit, config.quiet_share):g}\n'
        f'and {requests(quiet)} >= {config.min_runs}\n'
        f'and {lost(quiet)}\n'
        f'unless {requests(long)} >= {config.busy}',
        config.pending,
        'warning',
        'health',
        CONTEXT,
        percent(f'the input tokens of {label("agent")} to {label("model")} are bought again'),
        "The request before had them in the provider's cache. "
        f'Without that, an hour would cost at least {config.min_lost_usd:g} US dollars less.',
    )
