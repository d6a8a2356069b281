"""The alerts: each fires when users suffer or money is lost, and leads to its runbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.rules_promql import series, total
from generator.rules_recording import Names

if TYPE_CHECKING:
    from config import Burn, Config


@dataclass(frozen=True)
class Alert:
    """One alert.

    Args:
        name: Its name, and the heading of its runbook.
        expr: When it is true.
        pending: For how long that must last, in Prometheus's notation.
        severity: `critical` (get up), `warning` (today) or `info` (sometime).
        summary: What happens and to whom, in one line.
        description: What that means.
    """

    name: str
    expr: str
    pending: str
    severity: str
    summary: str
    description: str


def alerts(config: Config) -> dict[str, tuple[Alert, ...]]:
    """The alerts by group.

    Args:
        config: The thresholds.
    """
    return {
        'streamtap-run-alerts': (
            *(_run_failures(config, burn) for burn in config.burns),
            _blank_screen(config),
            _runs_stuck(config),
        ),
        'streamtap-stream-alerts': (_slow_first_tokens(config), _stalls(config), _stalled_now(config)),
        'streamtap-provider-alerts': (_rate_limited(config), _provider_failing(config)),
        'streamtap-tool-alerts': (_tool_failing(config),),
        'streamtap-accounting-alerts': (_cost(config), _unmeasured(config)),
        'streamtap-self-alerts': (_tap_failing(config),),
    }


def _run_failures(config: Config, burn: Burn) -> Alert:
    names, limit = Names(config), f'{burn.factor:g} * {config.run_error_budget:g}'
    return Alert(
        f'PydanticAIRunFailures{burn.name}',
        f'{names.run_failures(burn.long)} > {limit}\n'
        f'and {names.run_failures(burn.short)} > {limit}\n'
        f'and {names.runs(burn.long)} >= {config.min_runs}',
        burn.pending,
        burn.severity,
        f'{{{{ $value | humanizePercentage }}}} of the runs of {{{{ $labels.agent }}}} failed in the last {burn.long}',
        f'At {burn.factor:g} times the pace that an error budget of {config.run_error_budget:.2g} allows, '
        f'and it went on in the last {burn.short}.',
    )


def _blank_screen(config: Config) -> Alert:
    names = Names(config)
    return Alert(
        'PydanticAIBlankScreen',
        f'{names.blank_screens} > {config.blank_screen_budget:g}\nand {names.first_outputs} >= {config.min_runs}',
        config.pending,
        'warning',
        f'{{{{ $value | humanizePercentage }}}} of the runs of {{{{ $labels.agent }}}} showed nothing '
        f'for {config.blank_screen_seconds:g} s',
        'Users look at a blank screen: requests, tools and retries before the first output, all together.',
    )


def _runs_stuck(config: Config) -> Alert:
    age = series('pydantic_ai_oldest_run_age_seconds')
    return Alert(
        'PydanticAIRunsStuck',
        f'max by ({", ".join((*config.keep, "instance", "agent"))}) ({age}) > {config.stuck_seconds:g}',
        config.pending,
        'warning',
        'A run of {{ $labels.agent }} has been open for {{ $value | humanizeDuration }}',
        f'Runs are expected to end within {config.stuck_seconds:g} seconds.',
    )


def _enough_streamed(config: Config) -> str:
    return f'and {Names(config).requests("streamed_requests")} >= {config.min_requests}'


def _slow_first_tokens(config: Config) -> Alert:
    return Alert(
        'PydanticAISlowFirstTokens',
        f'{Names(config).of_requests("slow_first_tokens")} > {config.first_token_error_budget:g}\n'
        f'{_enough_streamed(config)}',
        config.pending,
        'warning',
        f'{{{{ $value | humanizePercentage }}}} of the streams of {{{{ $labels.model }}}} had no token '
        f'within {config.first_token_seconds:g} s',
        'Users look at a blank screen; requests that failed or were given up before their first token count, too.',
    )


def _stalls(config: Config) -> Alert:
    return Alert(
        'PydanticAIStreamStalls',
        f'{Names(config).of_requests("stream_stalls")} > {config.max_stalls_per_request:g}\n{_enough_streamed(config)}',
        config.pending,
        'warning',
        'Streams of {{ $labels.model }} stall {{ $value | printf "%.1f" }} times per request',
        "Answers stop in the middle for longer than the tap's stall_after.",
    )


def _stalled_now(config: Config) -> Alert:
    labels = (*config.keep, 'provider', 'model')
    stalled = total(labels, series('pydantic_ai_stalled_streams'))
    open_ = total(labels, series('pydantic_ai_requests_in_progress'))
    return Alert(
        'PydanticAIStreamsStalledNow',
        f'{stalled}\n  /\n{open_}\n  > {config.max_stalled_share:g}',
        config.stalled_pending,
        'critical',
        '{{ $value | humanizePercentage }} of the open requests to {{ $labels.model }} hang',
        'They have waited longer than slow_start_after for a first token, or than stall_after for the next.',
    )


def _rate_limited(config: Config) -> Alert:
    names = Names(config)
    return Alert(
        'PydanticAIProviderRateLimited',
        f'{names.of_requests("rate_limited_requests")} > {config.max_rate_limited_share:g}\n'
        f'and {names.requests()} >= {config.min_requests}',
        config.pending,
        'warning',
        '{{ $labels.provider }} refuses {{ $value | humanizePercentage }} of the requests to {{ $labels.model }} '
        'for their rate',
        'Where a fallback answers, users only wait longer; else their runs fail.',
    )


def _provider_failing(config: Config) -> Alert:
    names = Names(config)
    return Alert(
        'PydanticAIProviderFailing',
        f'{names.of_requests("failed_requests")} > {config.max_failed_share:g}\n'
        f'and {names.requests()} >= {config.min_requests}',
        config.pending,
        'warning',
        '{{ $value | humanizePercentage }} of the requests to {{ $labels.provider }} {{ $labels.model }} fail',
        'Refused, broken in mid-stream or not answered; rate limits have an alert of their own.',
    )


def _tool_failing(config: Config) -> Alert:
    names = Names(config)
    return Alert(
        'PydanticAIToolFailing',
        f'{names.tool_failures} > {config.max_tool_failure_share:g}\nand {names.tool_calls} >= {config.min_tool_calls}',
        config.pending,
        'warning',
        '{{ $value | humanizePercentage }} of the calls of {{ $labels.tool }} by {{ $labels.agent }} fail',
        'The tool itself raised or reported a failure; calls that the model made wrongly are not among them.',
    )


def _cost(config: Config) -> Alert:
    return Alert(
        'PydanticAICostOverBudget',
        f'{Names(config).cost} > {config.max_cost_usd_per_hour:g}',
        config.pending,
        'warning',
        f'The agents cost {{{{ $value | printf "%.2f" }}}} US dollars in the last {config.accounting_window}',
        f'The budget is {config.max_cost_usd_per_hour:g} an hour.',
    )


def _unmeasured(config: Config) -> Alert:
    names = Names(config)
    return Alert(
        'PydanticAITokensUnmeasured',
        f'{names.unmeasured} > {config.max_unmeasured_share:g}\nand {names.responses} >= {config.min_requests}',
        config.pending,
        'info',
        '{{ $value | humanizePercentage }} of the responses of {{ $labels.model }} came without usage',
        'Sums of tokens and cost leave these out and read too low. Interrupted responses are not among them.',
    )


def _tap_failing(config: Config) -> Alert:
    where, what = (
        total((*config.keep, label), _risen(series(name), config.tap_window))
        for name, label in (('streamtap_errors_total', 'where'), ('streamtap_dropped_total', 'what'))
    )
    return Alert(
        'StreamtapFailing',
        f'{where}\nor\n{what}',
        '0m',
        'warning',
        'The tap failed in {{ $labels.where }}{{ $labels.what }} in the last ' + config.tap_window,
        'Runs are not affected, but what is measured is not complete.',
    )


def _risen(counter: str, window: str) -> str:
    # A counter of failures begins at its first one, of which increase() sees nothing: a new series counts as it is.
    return f'increase({counter}[{window}]) > 0\n  or\n({counter} unless {counter} offset {window}) > 0'
