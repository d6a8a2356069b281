"""Alerts about streams: slow to begin, silent in the middle, hanging now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.growth import grown
from streamtap._dashboards.promql.pieces import series, total
from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.names import Level
from streamtap._dashboards.rules.shares import Shares

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

MODEL = ('provider', 'model')


def stream_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return _slow_first_tokens(config), _stalls(config), _stalled_now(config)


def _slow_first_tokens(config: Config) -> Alert:
    return Alert(
        'PydanticAISlowFirstTokens',
        Shares(config).slow_first_tokens.above(config.first_token_error_budget),
        config.pending,
        'warning',
        'streaming',
        MODEL,
        percent(f'the streams of {label("model")} had no token within {config.first_token_seconds:g} s'),
        'Users look at a blank screen; requests that failed or were given up before their first token count, too.',
    )


def _stalls(config: Config) -> Alert:
    return Alert(
        'PydanticAIStreamStalls',
        Shares(config).stalls.above(config.max_stalls_per_request),
        config.pending,
        'warning',
        'streaming',
        MODEL,
        f'Streams of {label("model")} stall {{{{ $value | printf "%.1f" }}}} times per request',
        "Answers stop in the middle for longer than the tap's stall_after.",
    )


def _stalled_now(config: Config) -> Alert:
    labels = Level(config, MODEL).labels
    open_ = total(labels, series('pydantic_ai_requests_in_progress'))
    stalled = total(labels, series('pydantic_ai_stalled_streams'))
    silent = total(labels, series('pydantic_ai_stalled_streams', 'stage="mid_stream"'))
    answered = total(labels, grown(series('pydantic_ai_requests_total', 'outcome="success"'), config.window))
    return Alert(
        'PydanticAIStreamsStalledNow',
        # A model that thinks in silence is slow to begin, and answers now and then.
        f'{silent}\n  /\n{open_}\n  > {config.max_stalled_share:g}\nand {silent} >= {config.min_stalled}\n'
        f'or\n'
        f'{stalled}\n  /\n{open_}\n  > {config.max_stalled_share:g}\nand {stalled} >= {config.min_stalled}\n'
        f'unless {answered} > 0',
        config.pending,
        'critical',
        'streaming',
        MODEL,
        percent(f'the open requests to {label("model")} hang'),
        f'At least {config.min_stalled} are silent in the middle for longer than stall_after, '
        f'or wait for a first token while nothing was answered for {config.window}.',
    )
