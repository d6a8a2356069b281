"""What the overview says of the last deploy, by Prometheus' own evaluation of rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap._dashboards.grafana.deploy_time import SINCE, TWICE
from support.boards import FOLDER, filled_in, numbers, panels, read
from support.promtool_expressions import differences

if TYPE_CHECKING:
    from pathlib import Path

OVERVIEW, HEALTH = (read(FOLDER / f'{name}.json') for name in ('overview', 'health'))
HOUR = 3600
BUILD = 'streamtap_build_info{job="shop", instance="%s", version="1", pydantic_ai_version="2", service_version="%s"}'
RUNS = 'pydantic_ai_runs_total{job="shop", instance="%s", agent="a", door="capability", nested="false", outcome="%s"}'
COST = 'pydantic_ai_run_cost_usd_%s{job="shop", instance="%s", agent="a", outcome="success"}'
OBJECTIVES = 'pydantic_ai_run_objectives_total{job="shop", instance="%s", agent="a", met="%s"}'

# A sample each fifteen seconds for three hours; version 2 comes after 160 minutes, in the place of version 1.
OLD, NEW = '%s stale _x79', '_x640 %s'
DEPLOYED = {
    BUILD % ('old', 'v1'): OLD % '1x639',
    BUILD % ('new', 'v2'): NEW % '1x80',
    # One run in four fails; then a single one, which the first sample has already.
    RUNS % ('old', 'success'): OLD % '0+3x639',
    RUNS % ('old', 'error'): OLD % '0+1x639',
    RUNS % ('new', 'success'): NEW % '9 9+0.375x79',
    RUNS % ('new', 'error'): NEW % '1x80',
    COST % ('sum', 'old'): OLD % '0+2x639',
    COST % ('count', 'old'): OLD % '0+4x639',
    COST % ('sum', 'new'): NEW % '30x80',
    COST % ('count', 'new'): NEW % '10x80',
    OBJECTIVES % ('old', 'true'): OLD % '0+1x639',
    OBJECTIVES % ('old', 'false'): OLD % '0+1x639',
    OBJECTIVES % ('new', 'true'): NEW % '4x80',
    OBJECTIVES % ('new', 'false'): NEW % '0x80',
}


def evaluated(promtool: str, folder: Path, series: dict[str, str], expected: dict[str, float]) -> str:
    """What promtool says of expressions at the end of three hours; nothing if each is what is expected."""
    rounded = {f'round({expr}, 0.0001)': value for expr, value in expected.items()}
    return differences(promtool, folder, series, rounded, at='180m', scraped_every='15s')


def asked(variable: str) -> str:
    """What a variable of the overview asks, over an hour."""
    return f'({numbers(FOLDER / "overview.json", HOUR)[variable]})'


def tiles(title: str, deployed: float) -> list[str]:
    """What a tile of the overview asks: since the deploy, and before it."""
    (panel,) = [each for board in (HEALTH, OVERVIEW) for each in panels(board) if each['title'] == title][-1:]
    return [f'({filled_in(each["expr"], OVERVIEW, HOUR, deployed)})' for each in panel['targets']]


def test_since_the_deploy_and_as_long_before_it_is_exact(each_promtool: str, tmp_path: Path):
    """What the new processes' first samples have is after the deploy, and what the old ones counted before it."""
    since, before = tiles('Failed runs since the deploy', 1201)
    cost_since, cost_before = tiles('Cost per run since the deploy', 1201)
    kept_since, kept_before = tiles('Goodput since the deploy', 1201)
    (last,) = tiles('Last deploy', 1201)
    expected = {
        asked(SINCE): 1201.0,
        asked(TWICE): 2402.0,
        last: 1201.0,
        since: 0.0252,
        before: 0.25,
        cost_since: 3.0,
        cost_before: 0.5,
        kept_since: 1.0,
        kept_before: 0.5,
    }
    assert evaluated(each_promtool, tmp_path, DEPLOYED, expected) == ''


@pytest.mark.parametrize(
    'builds',
    [
        pytest.param({BUILD % ('old', 'v1'): '1x720'}, id='the version stays'),
        pytest.param({BUILD % ('old', 'v1'): OLD % '1x639', BUILD % ('new', 'v1'): NEW % '1x80'}, id='it restarts'),
        pytest.param({BUILD % ('old', 'v1'): '1x400', BUILD % ('new', 'v2'): '_x300 1x420'}, id='it was before'),
        pytest.param({BUILD % ('old', ''): '1x720'}, id='no version is told'),
    ],
)
def test_without_a_deploy_in_the_range_it_says_so(builds: dict[str, str], each_promtool: str, tmp_path: Path):
    """A number that stands for these words, also where runs end in the very second that is asked for."""
    expected = {asked(SINCE): 1.0, asked(TWICE): 2.0}
    titles = 'Last deploy', 'Failed runs since the deploy', 'Cost per run since the deploy'
    expected |= dict.fromkeys((query for title in titles for query in tiles(title, 1)), -1.0)
    runs = {name: values for name, values in DEPLOYED.items() if not name.startswith('streamtap_')}
    runs[RUNS % ('newest', 'success')] = '_x720 4'
    assert evaluated(each_promtool, tmp_path, builds | runs, expected) == ''


def test_words_stand_for_what_there_is_not():
    """No deploy, no runs, no objective, no questions: never an empty tile."""
    found = {panel['title']: panel for board in (OVERVIEW, HEALTH) for panel in panels(board)}
    said = {
        title: next(iter(panel['fieldConfig']['defaults']['mappings'][0]['options'].values()))['text']
        for title, panel in found.items()
        if title == 'Last deploy' or title.endswith('since the deploy')
    }
    assert said == {
        'Last deploy': 'No deploy in this range',
        'Blank screen, p95, since the deploy': 'None streamed',
        'Failed runs since the deploy': 'No runs',
        'Cost per run since the deploy': 'None priced',
        'Goodput since the deploy': 'No objective set',
        'First-try success since the deploy': 'No tap.question()',
        'Calls in a loop since the deploy': 'No calls',
    }
