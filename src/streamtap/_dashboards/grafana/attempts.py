"""How many runs an answer takes: the attempts at one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, Query, stat, timeseries
from streamtap._dashboards.grafana.percentiles import Distribution
from streamtap._dashboards.grafana.queries import RANGE, RATE, ratio

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql
    from streamtap._dashboards.promql.growth import Window

ATTEMPTS = 'pydantic_ai_question_attempts_total'
ANSWER = 'pydantic_ai_time_to_answer_seconds'
FIRST, LATER, ANSWERED = 'attempt="first"', 'attempt="later"', 'outcome="success"'
NO_QUESTIONS = 'No tap.question()'


def first_try(promql: Promql, by: str = '', over: str | Window = RANGE) -> str:
    """The share of the questions that their first run answered.

    Args:
        promql: Queries of the board.
        by: The labels.
        over: The window.
    """
    asked = promql.count(ATTEMPTS, FIRST, by=by, over=over)
    answered = promql.count(ATTEMPTS, FIRST, ANSWERED, by=by, over=over)
    return ratio(f'({answered} or 0 * {asked})', asked)


def attempt_tiles(promql: Promql) -> tuple[Json, ...]:
    """How often the first attempt is enough, and how long an answer takes.

    Args:
        promql: Queries of the board.
    """
    return (
        stat(
            'First-try success',
            'Is the first answer the right one? The share of the questions, made known by tap.question(), '
            'that the first of their runs answered.',
            'percentunit',
            promql.or_nothing(first_try(promql)),
            none=NO_QUESTIONS,
        ),
        stat(
            'Time to answer, p95',
            'How long does one question in twenty take at least, with all its attempts?',
            's',
            promql.or_nothing(promql.quantile(0.95, ANSWER, over=RANGE)),
            none=NO_QUESTIONS,
        ),
    )


def attempt_panels(promql: Promql) -> tuple[Json, ...]:
    """Since when, and for whom.

    Args:
        promql: Queries of the board.
    """
    about = (
        'How long does an answer take, from the beginning of the first attempt to the end of the one that succeeded?'
    )
    return (
        timeseries(
            'First-try success by agent',
            'Which agent needs several attempts, and since when? Each is one more run, and its user waits for all.',
            'percentunit',
            [Query(first_try(promql, 'agent', RATE), '{{agent}}')],
            empty=NO_QUESTIONS,
        ),
        _later(promql),
        Distribution(promql, ANSWER, 'Time to answer', about).percentiles(),
    )


def _later(promql: Promql) -> Json:
    later = promql.rate(ATTEMPTS, LATER, by='agent, outcome', per=60)
    return timeseries(
        'Later attempts',
        'How many runs are made only because an earlier one was not good enough, and do they help?',
        'suffix:/min',
        [Query(promql.or_none(later, 'agent'), '{{agent}} {{outcome}}')],
        stacking='normal',
    )
