"""What is fast enough, as viewers choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.panels import Json, stat
from generator.promql import ratio
from generator.variables import objective

if TYPE_CHECKING:
    from config import Config

    from generator.promql import Promql

TTFT = 'pydantic_ai_time_to_first_token_seconds'

STREAMED = 'streamed="true"'


def slo(config: Config) -> Json:
    """The choice of when a first token is in time, at first that of the alerts.

    Args:
        config: The thresholds.
    """
    choices = sorted({0.5, 1, 2, 3, 5, 10, config.first_token_seconds})
    return objective('slo', 'First token within, s', TTFT, choices, usual=config.first_token_seconds)


def first_token_in_time(promql: Promql) -> Json:
    """How many of all streamed requests were answered in time, those that gave up included.

    Args:
        promql: Queries of the board.
    """
    asked = promql.count('pydantic_ai_requests_total', STREAMED)
    return stat(
        'First token in time',
        'Which share of all streamed requests had its first token within the time that is chosen above? '
        'Requests that failed, or that somebody gave up, count as too late.',
        'percentunit',
        promql.or_nothing(ratio(promql.at_most('slo', TTFT), asked)),
        verdict=promql.verdicts.first_token_in_time,
        none='None streamed',
    )
