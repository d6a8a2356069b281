"""Alerts about runs: those that fail, show nothing, loop or do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.promql.pieces import largest, series, total
from streamtap._dashboards.rules.alert import Alert, label, percent
from streamtap._dashboards.rules.budget import Budgets
from streamtap._dashboards.rules.names import Level
from streamtap._dashboards.rules.shares import Shares
from streamtap._dashboards.rules.spans import HOUR, largest_hour, summed

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

AGENT = ('agent',)


def run_alerts(config: Config) -> tuple[Alert, ...]:
    """All of them.

    Args:
        config: The thresholds.
    """
    return (
        _failing(config),
        _only_failing(config),
        _blank_screen(config),
        _looping(config),
        _looping_now(config),
        _stuck(config),
    )


def _failing(config: Config) -> Alert:
    return Alert(
        'PydanticAIRunsFailing',
        Shares(config).run_failures.above(config.max_failed_run_share),
        config.pending,
        'critical',
        'overview',
        AGENT,
        percent(f'the runs of {label("agent")} fail'),
        f'Users see errors: more than {config.max_failed_run_share:.0%} of the runs that they wait for.',
    )


def _only_failing(config: Config) -> Alert:
    least = config.quiet_failures
    return Alert(
        'PydanticAIRunsOnlyFail',
        '\nor\n'.join(_none_works(config, window, least) for window in config.only_failures),
        config.pending,
        'critical',
        'overview',
        AGENT,
        f'Every run of {label("agent")} fails: {{{{ $value | printf "%.0f" }}}} failed, and none succeeded',
        f'For small teams, too: at least {least} runs, in the shortest of {", ".join(config.only_failures)} '
        'that has so many.',
    )


def _none_works(config: Config, window: str, least: int) -> str:
    failed_in, worked_in = Budgets(config).failures.bad, Budgets(config).worked
    if seconds(window) <= HOUR:
        return f'round({failed_in(window)}) >= {least}\nunless {worked_in(window)} > 0'
    failed, worked = summed(failed_in('1h'), window), largest_hour(worked_in('1h'), window)
    return f'round({failed}) >= {least}\nunless {worked} > 0'


def _blank_screen(config: Config) -> Alert:
    return Alert(
        'PydanticAIBlankScreen',
        Shares(config).blank_screens.above(config.blank_screen_budget),
        config.pending,
        'warning',
        'overview',
        AGENT,
        percent(f'the runs of {label("agent")} showed nothing for {config.blank_screen_seconds:g} s'),
        'Users look at a blank screen: requests, tools and retries before the first output, all together.',
    )


def _looping(config: Config) -> Alert:
    return Alert(
        'PydanticAIRunsLooping',
        Shares(config).looping_runs.above(config.max_looping_share),
        config.pending,
        'warning',
        'overview',
        AGENT,
        percent(f'the runs of {label("agent")} made more than {config.max_run_requests:g} requests'),
        'They go in circles, and each round is paid for.',
    )


def _looping_now(config: Config) -> Alert:
    agents, runs = Level(config, AGENT), Shares(config).retries
    open_ = total(agents.labels, series('pydantic_ai_runs_in_progress'))

    def for_each_run(window: str) -> str:
        # Of requests nobody knows whether their run is nested, so all runs of the agent are taken.
        requests = agents.increase('agent_requests', window)
        return f'{requests}\n  /\n(({runs.all(window)} + {open_}) > 0)\n  > {config.max_run_requests:g}'

    return Alert(
        'PydanticAIRunsLoopingNow',
        f'{for_each_run(config.window)}\nand\n{for_each_run(config.short)}',
        config.pending,
        'warning',
        'overview',
        AGENT,
        f'{label("agent")} makes {{{{ $value | printf "%.0f" }}}} requests for each run, open ones included',
        f'In the last {config.window}: a run goes in circles and does not end.',
    )


def _stuck(config: Config) -> Alert:
    age = series('pydantic_ai_oldest_run_age_seconds')
    about = ('instance', *AGENT)
    return Alert(
        'PydanticAIRunsStuck',
        f'{largest(Level(config, about).labels, age)} > {config.stuck_seconds:g}',
        config.pending,
        'warning',
        'overview',
        about,
        f'A run of {label("agent")} has been open for {{{{ $value | humanizeDuration }}}}',
        f'Runs are expected to end within {config.stuck_seconds:g} seconds.',
    )
