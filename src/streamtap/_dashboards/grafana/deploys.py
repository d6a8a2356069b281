"""What the last deploy made better or worse: the time since then beside as long a time before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.attempts import NO_QUESTIONS, first_try
from streamtap._dashboards.grafana.deploy_time import AFTER, BEFORE, DEPLOYED
from streamtap._dashboards.grafana.goodput import NO_OBJECTIVE, goodput
from streamtap._dashboards.grafana.loops import NO_CALLS, repeated_share
from streamtap._dashboards.grafana.panels import Json, stat
from streamtap._dashboards.grafana.queries import OUTERMOST, ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._dashboards.grafana.queries import Promql
    from streamtap._dashboards.promql.growth import Window
    from streamtap._dashboards.verdicts import Verdict

DEPLOY = 'What did the last deploy change? Since then, beside as long a time before'
NO_DEPLOY = 'No deploy in this range'


def overview_since(promql: Promql) -> tuple[Json, ...]:
    """What users notice and what it costs, since the deploy and as long before it.

    Args:
        promql: Queries of the board.
    """
    runs, blank = 'pydantic_ai_runs_total', 'pydantic_ai_run_time_to_first_output_seconds'

    def failed(over: str | Window) -> str:
        counted = promql.count(runs, OUTERMOST, promql.counted_run, over=over)
        return ratio(promql.count(runs, OUTERMOST, promql.failed_run, over=over), counted)

    return (
        _last(promql),
        _both(
            promql,
            'Blank screen, p95, since the deploy',
            'Do users wait longer than before the deploy?',
            's',
            lambda over: promql.quantile(0.95, blank, over=over),
            'None streamed',
            promql.verdicts.blank_screen,
        ),
        _both(
            promql,
            'Failed runs since the deploy',
            'Do more runs fail than before the deploy?',
            'percentunit',
            failed,
            'No runs',
            promql.verdicts.failed_runs,
        ),
        _both(
            promql,
            'Cost per run since the deploy',
            'Does a run cost more than before the deploy, with the runs that it calls?',
            'currencyUSD',
            lambda over: promql.mean('pydantic_ai_run_cost_usd', over=over),
            'None priced',
        ),
    )


def health_since(promql: Promql) -> tuple[Json, ...]:
    """What agents do wrong, since the deploy and as long before it.

    Args:
        promql: Queries of the board.
    """
    return (
        _last(promql),
        _both(
            promql,
            'Goodput since the deploy',
            'Is the objective met as often as before the deploy?',
            'percentunit',
            lambda over: goodput(promql, over=over),
            NO_OBJECTIVE,
            promql.verdicts.goodput,
        ),
        _both(
            promql,
            'First-try success since the deploy',
            'Is the first answer the right one as often as before the deploy?',
            'percentunit',
            lambda over: first_try(promql, over=over),
            NO_QUESTIONS,
        ),
        _both(
            promql,
            'Calls in a loop since the deploy',
            'Do agents go round in circles more often than before the deploy?',
            'percentunit',
            lambda over: repeated_share(promql, over=over),
            NO_CALLS,
            promql.verdicts.repeated_calls,
        ),
    )


def _last(promql: Promql) -> Json:
    return stat(
        'Last deploy',
        'When did the service last change? The time since a version that had not been seen for a day began to report: '
        'Tap(service_version=...). The tiles beside it compare as long a time before. '
        'If there is none, choose a longer range.',
        'dtdurations',
        promql.or_nothing(DEPLOYED),
        none=NO_DEPLOY,
    )


def _both(
    promql: Promql,
    title: str,
    about: str,
    unit: str,
    number: Callable[[str | Window], str],
    none: str,
    verdict: Verdict | None = None,
) -> Json:
    shown = {'since': number(AFTER), 'before': number(BEFORE)}
    return stat(
        title,
        f'{about} Since the last deploy, and for as long before it; nothing without one in the time range.',
        unit,
        # Without a deploy the window is a second, in which there may be something all the same.
        {name: promql.or_nothing(f'({expr}) and on () ({DEPLOYED})') for name, expr in shown.items()},
        verdict=verdict,
        none=none,
    )
