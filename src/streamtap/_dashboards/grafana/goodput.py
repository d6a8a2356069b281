"""Whether runs keep what was promised to users: the objectives of their agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.queries import RANGE, RATE, ratio

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql
    from streamtap._dashboards.promql.growth import Window

OBJECTIVES = 'pydantic_ai_run_objectives_total'
NO_OBJECTIVE = 'No objective set'
MISSED = 'met="false"'


def goodput(promql: Promql, by: str = '', over: str | Window = RANGE) -> str:
    """The share of the runs that met their objective.

    Args:
        promql: Queries of the board.
        by: The labels.
        over: The window.
    """
    met = promql.count(OBJECTIVES, 'met="true"', by=by, over=over)
    return ratio(met, promql.count(OBJECTIVES, by=by, over=over))


def goodput_tile(promql: Promql, leads_to: Json | None = None) -> Json:
    """It, of all agents that have one.

    Args:
        promql: Queries of the board.
        leads_to: Where a click on it leads.
    """
    return stat(
        'Goodput',
        'Do runs keep what was promised? The share that met the `Objective` of their agent. '
        'Runs that failed missed it; those that were stopped count only if they had missed it by then.',
        'percentunit',
        promql.or_nothing(goodput(promql)),
        verdict=promql.verdicts.goodput,
        none=NO_OBJECTIVE,
        leads_to=leads_to,
    )


def goodput_panels(promql: Promql) -> tuple[Json, ...]:
    """Since when, and for whom.

    Args:
        promql: Queries of the board.
    """
    return _by_agent(promql), _missed(promql), _pace(promql)


def _by_agent(promql: Promql) -> Json:
    return timeseries(
        'Goodput by agent',
        'Which agent does not keep its objective, and since when? What its runs miss is in their records and on the live page.',
        'percentunit',
        [Query(goodput(promql, 'agent', RATE), '{{agent}}')],
        empty=NO_OBJECTIVE,
    )


def _missed(promql: Promql) -> Json:
    missed = promql.rate(OBJECTIVES, MISSED, by='agent', per=60)
    return timeseries(
        'Runs that miss their objective',
        'How many users are let down, and by which agent?',
        'suffix:/min',
        [Query(promql.or_none(missed, 'agent'), '{{agent}}')],
        stacking='normal',
    )


def _pace(promql: Promql) -> Json:
    budget = promql.config.objective_error_budget
    missed = ratio(promql.about(OBJECTIVES, MISSED, by='agent'), promql.about(OBJECTIVES, by='agent'))
    return timeseries(
        'How fast the budget is used up',
        f'Will the promise hold for the month? {budget:.2g} of the runs may miss their objective; at 1 that is just kept, '
        'at 14.4 a month of it is gone in two days.',
        'short',
        [Query(f'{missed} / {budget:g}', '{{agent}}')],
        empty=NO_OBJECTIVE,
    )
