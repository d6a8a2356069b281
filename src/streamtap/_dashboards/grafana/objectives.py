"""What is fast enough, as viewers choose it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, stat
from streamtap._dashboards.grafana.queries import ratio
from streamtap._dashboards.grafana.variables import objective

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.grafana.queries import Promql

TTFT = 'pydantic_ai_time_to_first_token_seconds'

STREAMED = 'streamed="true"'


def slo(config: Config) -> Json:
    """The choice of when a first token is in time, at first that of the alerts.

    Args:
        config: The thresholds.
    """
    return objective(config, 'slo', 'First token within, s', TTFT, usual=config.first_token_seconds)


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
