"""Alerts about tools: failing, slow, called wrongly again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.shares import Shares

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

TOOL = ('agent', 'tool')


def tool_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _failing(config), _slow(config), _retried(config)


def _failing(config: Config) -> Alert:
    return Alert(
        'PydanticAIToolFailing',
        Shares(config).tool_failures.above(config.max_tool_failure_share),
        config.pending,
        'warning',
        'tools',
        TOOL,
        percent(f'the calls of {label("tool")} by {label("agent")} fail'),
        'The tool itself raised or reported a failure; calls that the model made wrongly are not among them.',
    )


def _slow(config: Config) -> Alert:
    slow = Shares(config).slow_tools
    usual = slow.level.usual(slow.share(config.window))
    return Alert(
        'PydanticAIToolSlow',
        # A tool that is always slow is no news.
        f'(\n{slow.above(config.max_slow_tool_share)}\n)\n> {config.max_growth:g} * {usual}',
        config.pending,
        'warning',
        'tools',
        TOOL,
        percent(f'the calls of {label("tool")} by {label("agent")} took longer than {config.slow_tool_seconds:g} s'),
        f'More than {config.max_growth:g} times as many as usual in the last day: users wait for it.',
    )


def _retried(config: Config) -> Alert:
    return Alert(
        'PydanticAIRetryStorm',
        Shares(config).retries.above(config.max_retries_per_run),
        config.pending,
        'warning',
        'tools',
        ('agent',),
        f'Each run of {label("agent")} is sent back to its model {{{{ $value | printf "%.1f" }}}} times',
        'The model calls a tool wrongly, or returns what validation refuses, and each time is paid for.',
    )
