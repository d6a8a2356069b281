"""Alerts come while the fault lasts, and go when it is over; small teams are told of, too, and nobody is told of nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from streamtap._dashboards.config import CONFIG
from support.alert_delays import BEGIN, END, FAULTS, PAGE, SETTINGS, delays, table
from support.alert_traffic import MINUTE, State
from support.alert_worlds import HOUR, Team, Times, fired
from support.required import SERVERS, missing

if TYPE_CHECKING:
    from pathlib import Path

    from support.alert_worlds import Fired

MOST = 3 * MINUTE
"""How long after its begin a fault may go unnoticed."""

EVALUATED = 2 * MINUTE
"""How often rules are evaluated where a fault lasts for hours."""


@pytest.fixture(scope='module')
def promtool_3() -> str:
    """The path of a newer promtool; without it the test skips, and in CI it fails."""
    return shutil.which('promtool', path=SERVERS) or missing('promtool of Prometheus 3', '`make servers` gives it')


@pytest.fixture(scope='module')
def measured(promtool_3: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Fired]]:
    """The delays by setting."""
    return delays(promtool_3, tmp_path_factory.mktemp('delays'))


@pytest.mark.timeout(600)
@pytest.mark.parametrize('setting', SETTINGS)
def test_every_fault_of_six_minutes_is_told_of_within_three_and_is_over_with_it(
    setting: str, measured: dict[str, dict[str, Fired]]
):
    """And of a team that is well nothing is told; gone is it within the shortest window, or a minute."""
    found = measured[setting]
    assert set(found) == set(FAULTS)
    config, _ = SETTINGS[setting]
    gone = 2 * MINUTE if config.short == '2m' else MINUTE
    assert {alert: when for alert, when in found.items() if not 0 < when.after <= MOST or when.gone > gone} == {}


@pytest.mark.timeout(600)
def test_the_runbooks_say_how_soon(measured: dict[str, dict[str, Fired]]):
    """The table is the one that is measured."""
    page = PAGE.read_text(encoding='utf-8')
    assert page.partition(BEGIN)[2].partition(END)[0] == table(measured)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ('runs_per_hour', 'lasts', 'alert', 'within', 'gone'),
    [
        pytest.param(20 / 24, 8 * HOUR, 'PydanticAIRunsOnlyFail', 4.5 * HOUR, 75 * MINUTE, id='20 a day'),
        pytest.param(5, 3 * HOUR, 'PydanticAIRunsOnlyFail', 65 * MINUTE, 15 * MINUTE, id='5 an hour'),
        pytest.param(60, HOUR, 'PydanticAIRunsOnlyFail', 17 * MINUTE, 3 * MINUTE, id='60 an hour'),
    ],
)
def test_an_agent_of_a_small_team_that_only_fails_is_told_of(
    runs_per_hour: float, lasts: float, alert: str, within: float, gone: float, promtool_3: str, tmp_path: Path
):
    """As soon as nothing succeeded for as long as three failures take; it is gone with the first success."""
    begins = HOUR
    times = Times(begins, int(begins + lasts), int(begins + lasts + 90 * MINUTE), scrape=60, interval=EVALUATED)
    outage, well = State(failed_runs=1), State(failed_runs=0)
    teams = [
        Team('outage', runs_per_hour / 60, outage, well, '_runs_total'),
        Team('well', runs_per_hour / 60, well, well, '_runs_total'),
    ]
    groups = r'streamtap-runs(-by-the-hour)?\Z|run-alerts|budget-alerts'
    found = fired(promtool_3, CONFIG, tmp_path, teams, times, groups)
    assert found['well'] == {}
    when = found['outage'][alert]
    assert 0 < when.after <= within
    assert when.gone <= gone


@pytest.mark.timeout(600)
def test_of_small_teams_that_are_well_nothing_is_told(promtool_3: str, tmp_path: Path):
    """Of hours in which each kind of mishap happens now and then."""
    times = Times(HOUR, 2 * HOUR, 5 * HOUR, scrape=60, interval=EVALUATED)
    usual = State(cost=0.5)
    teams = [Team(name, runs / 60, usual, usual) for name, runs in (('daily', 20 / 24), ('hourly', 5), ('small', 60))]
    assert fired(promtool_3, CONFIG, tmp_path, teams, times) == {'daily': {}, 'hourly': {}, 'small': {}}


SMALL = {
    'PydanticAIToolFailing': (State(failed_calls=1), 'tool_calls'),
    'PydanticAIToolSlow': (State(slow_calls=1), 'tool_duration'),
    'PydanticAIProviderDown': (State(failed_requests=1, refused=0), '_requests_total'),
    'PydanticAIProviderFailing': (State(failed_requests=1, refused=0), 'request'),
    'PydanticAIProviderRateLimited': (State(refused=1, failed_requests=0), 'request'),
    'PydanticAIBlankScreen': (State(late_runs=1), 'first_output'),
    'PydanticAIRetryStorm': (State(retries=8), '_runs_total|retries'),
    'PydanticAIAgentLooping': (State(repeated_calls=0.8, tool_calls=8), 'tool_calls'),
    'PydanticAIContextNearlyFull': (State(full_contexts=1), 'ratio'),
    'PydanticAICacheMissed': (State(bought_again=0.8, tokens=60_000), 'input_tokens|cache'),
}


@pytest.mark.timeout(600)
def test_what_goes_wrong_for_hours_with_five_runs_an_hour_is_told_of(promtool_3: str, tmp_path: Path):
    """Within the hour, as most of the last one was bad; and an hour later it is over."""
    times = Times(HOUR, 3 * HOUR, 5 * HOUR, scrape=60, interval=60)
    well = State(refused=0, failed_requests=0)
    teams = [Team(alert, 5 / 60, state, well, about) for alert, (state, about) in SMALL.items()]
    groups = r'(runs|requests|tools)(-by-the-hour)?\Z|(run|provider|tool|health)-alerts'
    found = fired(promtool_3, CONFIG, tmp_path, teams, times, groups)
    told = {alert: found[alert][alert] for alert in SMALL if alert in found[alert]}
    assert set(told) == set(SMALL)
    assert {
        alert: when for alert, when in told.items() if not 0 < when.after <= 65 * MINUTE or when.gone > 65 * MINUTE
    } == {}
