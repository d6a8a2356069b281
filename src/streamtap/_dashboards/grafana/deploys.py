"""When the last deploy was, and what it made better or worse: the time since then beside as long a time before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.attempts import NO_QUESTIONS, first_try
from streamtap._dashboards.grafana.goodput import NO_OBJECTIVE, goodput
from streamtap._dashboards.grafana.panels import Json, stat
from streamtap._dashboards.grafana.queries import OUTERMOST, RANGE, Promql, ratio
from streamtap._dashboards.grafana.variables import asked
from streamtap._dashboards.promql.growth import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._dashboards.config import Config
    from streamtap._dashboards.verdicts import Verdict

FORGOTTEN = '1d'
"""For how long a version must not have been seen to be a deploy when it comes."""

SINCE, TWICE = 'since_deploy', 'since_deploy_twice'
"""The variables that hold the seconds since the last deploy, and twice as many; 1 and 2 if there was none."""

NO_DEPLOY = 'No deploy in this range'

AFTER = f'${{{SINCE}}}s'
BEFORE = Window(AFTER, AFTER, f'${{{TWICE}}}s')

_LOOKS = 15
"""How often it is looked for a version, in seconds: seldom enough for a range of weeks."""


def versions(promql: Promql) -> str:
    """The processes that say which version of the service they are.

    Args:
        promql: Queries of the board.
    """
    return promql.select('streamtap_build_info', 'service_version!=""')


def since_deploy(config: Config) -> Json:
    """How many seconds ago the newest version was first seen.

    Args:
        config: What queries depend on.
    """
    return asked(SINCE, f'{_seconds(config)} or on () vector(1)')


def since_deploy_twice(config: Config) -> Json:
    """Twice as many: PromQL cannot calculate with windows.

    Args:
        config: What queries depend on.
    """
    return asked(TWICE, f'2 * ({_seconds(config)}) or on () vector(2)')


def deploy_tiles(promql: Promql) -> tuple[Json, ...]:
    """Since the deploy, and as long before it.

    Args:
        promql: Queries of the board.
    """
    verdicts = promql.verdicts
    runs, blank = 'pydantic_ai_runs_total', 'pydantic_ai_run_time_to_first_output_seconds'

    def failed(over: str | Window) -> str:
        counted = promql.count(runs, OUTERMOST, promql.counted_run, over=over)
        bad = promql.count(runs, OUTERMOST, promql.failed_run, over=over)
        return ratio(f'({bad} or 0 * {counted})', counted)

    def cost(over: str | Window) -> str:
        return promql.mean('pydantic_ai_run_cost_usd', over=over)

    return (
        stat(
            'Last deploy',
            'When did the service last change? The time since a version that had not been seen for a day began to report: '
            'PrometheusSink(service_version=...). The tiles beside it compare as long a time before. '
            'For a deploy that is longer ago, choose a longer range.',
            'dtdurations',
            promql.or_nothing(f'vector(${{{SINCE}}}) > 1'),
            none=NO_DEPLOY,
        ),
        _both(
            promql,
            'Blank screen, p95, since the deploy',
            'Do users wait longer than before the deploy?',
            's',
            lambda over: promql.quantile(0.95, blank, over=over),
            'None streamed',
            verdicts.blank_screen,
        ),
        _both(
            promql,
            'Failed runs since the deploy',
            'Do more runs fail than before the deploy?',
            'percentunit',
            failed,
            'No runs',
            verdicts.failed_runs,
        ),
        _both(
            promql,
            'Cost per run since the deploy',
            'Does a run cost more than before?',
            'currencyUSD',
            cost,
            'None priced',
        ),
        _both(
            promql,
            'Goodput since the deploy',
            'Is the objective met as often as before?',
            'percentunit',
            lambda over: goodput(promql, over=over),
            NO_OBJECTIVE,
            verdicts.goodput,
        ),
        _both(
            promql,
            'First-try success since the deploy',
            'Is the first answer the right one as often as before?',
            'percentunit',
            lambda over: first_try(promql, over=over),
            NO_QUESTIONS,
        ),
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
        {name: promql.or_nothing(f'({expr}) and on () (vector(${{{SINCE}}}) > 1)') for name, expr in shown.items()},
        verdict=verdict,
        none=none,
    )


def _seconds(config: Config) -> str:
    named = versions(Promql((), config))
    # As often as scrapes, so that the first sample of a version is seen.
    first = f'min_over_time(timestamp({named})[{RANGE}:{min(_LOOKS, config.scrape_seconds)}s])'
    older = f'group by (service_version) (present_over_time({named}[{FORGOTTEN}] offset {RANGE}))'
    # A second more, so that the first sample is after the deploy: a window without its beginning would not have it.
    return f'ceil(time() - max (min by (service_version) ({first}) unless on (service_version) {older})) + 1'
