"""What is recorded for boards over many processes: its sum over a range is the growth over it, by Prometheus' own evaluation."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamtap._dashboards.config import CONFIG, Config
from streamtap._dashboards.export import write
from streamtap._dashboards.generated import generated
from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.grafana.deploy_time import SINCE, TWICE
from streamtap._dashboards.kubernetes import kubernetes_files
from streamtap._dashboards.promql.contract import strangers, strangers_of
from streamtap._dashboards.rules.groups import board_groups, rule_files
from streamtap._sinks.metrics.catalogue import CATALOGUE
from support import boards
from support.boards import panels, variables
from support.promtool_expressions import differences
from support.required import SERVERS

if TYPE_CHECKING:
    from pathlib import Path

RECORDED = replace(CONFIG, recorded_every='1m', scrape_seconds=15)
ERRORS = 'pydantic_ai_run_errors_total'
DURATION = 'pydantic_ai_run_duration_seconds'
BUILD = 'streamtap_build_info{job="j", instance="i"}'
HIS = '{{schema:0 sum:%s count:%s buckets:[%s]}}'


def _rules(group: Any) -> list[dict[str, str]]:
    return group['rules']


def evaluated(promtool: str, folder: Path, config: Config, series: dict[str, str], asked: dict[str, float]) -> str:
    """What promtool says where expressions are not what is expected after two hours; nothing where they are."""
    rules = [rule for group in board_groups(config) for rule in _rules(group) if rule['record'] in ' '.join(asked)]
    (folder / 'boards.yaml').write_text(
        yaml.safe_dump({'groups': [{'name': 'asked', 'rules': rules}]}), encoding='utf-8'
    )
    return differences(
        promtool,
        folder,
        series,
        {f'round({expr}, 0.000001)': value for expr, value in asked.items()},
        at='120m',
        scraped_every=f'{config.scrape_seconds}s',
        evaluated_every=config.recorded_every,
        rule_files=['boards.yaml'],
    )


@pytest.mark.parametrize(
    ('samples', 'grew'),
    [
        pytest.param('5+1x40 45x400', 45, id='it began at 5 and grew'),
        pytest.param('5+1x21 3+2x20 43x400', 26 + 43, id='its process was replaced'),
        pytest.param('9+1x21 30+1x20 20+2x20 60x400', 50 + 60, id='it was replaced, and soon larger than before'),
        pytest.param('_x30 7 8 9 9x400', 9, id='it is new'),
        pytest.param('0+1x20 _ _ 23+1x10 33x400', 33, id='two scrapes were missed'),
        pytest.param('0+1x20 stale _x2 23 24 24x400', 24, id='its target was gone for some scrapes'),
        pytest.param('0+1x20 stale _ 2 3 3x400', 20 + 3, id='a scrape was missed as its process was replaced'),
        pytest.param('0+1x20 stale', 20, id='it ended'),
    ],
)
@pytest.mark.parametrize('scrape_seconds', [15, 60])
def test_the_sum_of_records_is_all_that_was_counted(
    samples: str, grew: float, scrape_seconds: int, each_promtool: str, tmp_path: Path
):
    """Of a record from several scrapes as of one from each; extrapolation is undone where there was a reset."""
    config = replace(RECORDED, scrape_seconds=scrape_seconds)
    series = {f'{ERRORS}{{job="j", instance="i", agent="a"}}': samples}
    counted = f'sum (sum_over_time(job:{ERRORS}:increase1m[120m]))'
    assert evaluated(each_promtool, tmp_path, config, series, {counted: grew}) == ''


@pytest.mark.parametrize(
    ('builds', 'grew'),
    [
        pytest.param(
            '1x100 stale _x80 1x300', 1000 + 9, id='a process whose scrapes failed for twenty minutes is not new'
        ),
        pytest.param('_x182 1x300', 1000 + 2000 + 9, id='a process that was not there for an hour is'),
    ],
)
def test_scrapes_that_fail_for_long_count_nothing_twice(builds: str, grew: float, each_promtool: str, tmp_path: Path):
    """Nor does a Prometheus that was away itself, as for its own upgrade."""
    series = {
        f'{ERRORS}{{job="j", instance="i", agent="a"}}': '1000x100 stale _x80 2000x4 2009x300',
        BUILD: builds,
    }
    counted = f'sum (sum_over_time(job:{ERRORS}:increase1m[120m]))'
    assert evaluated(each_promtool, tmp_path, RECORDED, series, {counted: grew}) == ''


def test_gauges_are_merged_as_the_catalogue_says(each_promtool: str, tmp_path: Path):
    """Summed at one moment, or the largest since the record before; processes are counted."""
    series = {
        name % instance: values
        for instance in ('i', 'k')
        for name, values in (
            ('pydantic_ai_runs_in_progress{job="j", instance="%s", agent="a"}', '2x500'),
            ('pydantic_ai_oldest_run_age_seconds{job="j", instance="%s", agent="a"}', '1x477 60 5x20'),
            ('streamtap_build_info{job="j", instance="%s", version="1"}', '1x500'),
        )
    }
    asked = {
        'sum (job:pydantic_ai_runs_in_progress:sum{agent="a"})': 4.0,
        'sum (job:pydantic_ai_oldest_run_age_seconds:max{agent="a"})': 60.0,
        'sum (job:streamtap_build_info:count{version="1"})': 2.0,
    }
    assert evaluated(each_promtool, tmp_path, RECORDED, series, asked) == ''


def test_a_deploy_is_found_by_records(each_promtool: str, tmp_path: Path):
    """By the first one of a version, whose growth is after the deploy."""
    write(grafana_files(RECORDED), tmp_path)
    asked = boards.numbers(tmp_path / 'grafana' / 'overview.json', 3600)
    build = 'streamtap_build_info{job="j", instance="%s", version="1", service_version="%s"}'
    series = {build % ('i', 'v1'): '1x401', build % ('k', 'v2'): '_x401 1x200'}
    expected = {f'({asked[SINCE]})': 1141.0, f'({asked[TWICE]})': 2282.0}
    assert evaluated(each_promtool, tmp_path, RECORDED, series, expected) == ''


def test_instances_are_summed_and_labels_kept(each_promtool: str, tmp_path: Path):
    """Labels of the metric and of the user, and those of the scrape that are kept apart."""
    config = replace(RECORDED, labels=('tier',), keep=('cluster', 'job'))
    series = {
        f'{ERRORS}{{cluster="c", job="j", instance="{instance}", agent="a", nested="false", tier="{tier}"}}': '2x500'
        for instance, tier in (('i', 'free'), ('k', 'free'), ('l', 'paid'))
    }
    record = f'job_cluster:{ERRORS}:increase1m'
    kept = 'cluster="c", job="j", agent="a", nested="false"'
    asked = {
        f'sum (sum_over_time({record}{{{kept}, tier="free"}}[120m]))': 4.0,
        f'sum (sum_over_time({record}{{{kept}, tier="paid"}}[120m]))': 2.0,
        f'count (count_over_time({record}[120m]))': 2.0,
    }
    assert evaluated(each_promtool, tmp_path, config, series, asked) == ''


@pytest.mark.parametrize(
    ('samples', 'count', 'total'),
    [
        pytest.param(
            f'{HIS % (6, 3, "1 2")}+{HIS % (2, 1, "0 1")}x40 {HIS % (86, 43, "1 42")}x400', 43, 86, id='it grew'
        ),
        pytest.param(
            f'{HIS % (6, 3, "1 2")}+{HIS % (2, 1, "0 1")}x21 {HIS % (4, 2, "0 2")}x400',
            24 + 2,
            48 + 4,
            id='it was replaced',
        ),
        pytest.param(
            f'{HIS % (6, 3, "1 2")}+{HIS % (2, 1, "0 1")}x21 _ _ {HIS % (4, 2, "0 2")}x400',
            24 + 2,
            48 + 4,
            id='scrapes were missed as it was replaced',
        ),
        pytest.param(f'_x30 {HIS % (6, 3, "1 2")} {HIS % (8, 4, "1 3")}x400', 4, 8, id='it is new'),
    ],
)
@pytest.mark.parametrize('each_promtool', [SERVERS], ids=['3'], indirect=True)
def test_records_of_native_histograms_are_native_histograms(
    samples: str, count: float, total: float, each_promtool: str, tmp_path: Path
):
    """Whose sum is the histogram of all that was observed."""
    series = {f'{DURATION}{{job="j", instance="i", agent="a"}}': samples}
    seen = f'sum (sum_over_time(job:{DURATION}:increase1m[120m]))'
    asked = {f'histogram_count({seen})': count, f'histogram_sum({seen})': total}
    assert evaluated(each_promtool, tmp_path, RECORDED, series, asked) == ''


def test_there_is_a_record_of_whatever_boards_ask_for():
    """And of nothing else; each metric of the catalogue is asked for."""
    records = {rule['record'] for group in board_groups(RECORDED) for rule in _rules(group)}
    asked = {name for text in grafana_files(RECORDED).values() for name in re.findall(r'\bjob:\w+:\w+', text)}
    assert asked == records
    metrics = {re.sub(r'_(bucket|sum|count)\Z', '', name.split(':')[1]) for name in asked}
    assert metrics == {metric.name for metric in CATALOGUE}


@pytest.mark.parametrize('histograms', ['any', 'classic'])
def test_prometheus_takes_the_rules(histograms: str, each_promtool: str, tmp_path: Path):
    """A server that has no native histograms is not asked for them."""
    text = rule_files(replace(RECORDED, histograms=histograms))['prometheus/boards.yaml']
    (tmp_path / 'boards.yaml').write_text(text, encoding='utf-8')
    command = [each_promtool, 'check', 'rules', str(tmp_path / 'boards.yaml')]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ('histogram_count' in text) is (histograms == 'any')


def test_groups_are_by_subject_and_as_far_apart_as_records():
    """So that Prometheus evaluates them beside each other."""
    groups = board_groups(RECORDED)
    assert {group['interval'] for group in groups} == {'1m'}
    subjects = (
        'gauges',
        'runs',
        'runs-histograms',
        'requests',
        'requests-histograms',
        'tools',
        'tools-histograms',
        'self',
    )
    assert {group['name'] for group in groups} == {f'streamtap-boards-{subject}' for subject in subjects}


def test_boards_that_read_records_read_no_series_of_a_process():
    """They are not filtered by an instance, and their points are as far apart as records; only dots come from series."""
    for text in grafana_files(RECORDED).values():
        assert strangers(text, RECORDED) == []
        assert not re.search(r'instance[^ ]|\[1h\]|increase\(', text)
        board = json.loads(text)
        assert 'instance' not in variables(board)
        for panel in panels(board):
            for target in panel['targets']:
                asked, *exemplars = re.split(
                    r' or (?=(?:pydantic_ai|streamtap)_\w+\{[^}]*\} offset 10y)', target['expr']
                )
                reads = set(re.findall(r'(?<![:\w])(?:pydantic_ai|streamtap)_\w+', asked))
                assert not reads, target['expr']
                if target['range']:
                    assert target['interval'] == '1m'
                    assert target['exemplar'] is bool(exemplars)


def test_nothing_is_recorded_unless_it_is_set():
    """The rules of alerts are the same either way."""
    usual, recorded = generated(CONFIG), generated(replace(CONFIG, recorded_every='1m'))
    assert set(recorded) - set(usual) == {'prometheus/boards.yaml'}
    for name in ('rules', 'alerts'):
        assert recorded[f'prometheus/{name}.yaml'] == usual[f'prometheus/{name}.yaml']


def test_kubernetes_has_the_records_in_a_resource_of_their_own():
    """One of all rules would be more than what is noted of it may have."""
    documents = list(yaml.safe_load_all(kubernetes_files(RECORDED)['kubernetes/prometheus-rule.yaml']))
    assert [each['metadata']['name'] for each in documents] == ['streamtap', 'streamtap-boards']
    assert documents[1]['spec']['groups'] == board_groups(RECORDED)
    assert all(len(json.dumps(each)) < 256 * 1024 for each in documents)


@pytest.mark.parametrize(
    ('query', 'wrong'),
    [
        (f'sum by (job, agent) (sum_over_time(job:{ERRORS}:increase1m{{job=~"$job"}}[1h]))', []),
        (f'sum by (le) (sum_over_time(job:{DURATION}_bucket:increase1m[1h]))', []),
        ('sum by (service_version) (job:streamtap_build_info:count)', []),
        (f'job:{ERRORS}:increase1m{{instance="i"}}', [f'job:{ERRORS}:increase1m has no label instance']),
        (f'sum by (model) (job:{ERRORS}:increase1m)', [f'job:{ERRORS}:increase1m has no label model']),
        (f'job:{ERRORS}:increase5m', [f'job:{ERRORS}:increase5m is not recorded for boards']),
        (f'job_agent:{ERRORS}:increase1m', [f'job_agent:{ERRORS}:increase1m is not recorded for boards']),
        ('job:pydantic_ai_turns:increase1m', ['job:pydantic_ai_turns:increase1m is not recorded for boards']),
        (
            'job:pydantic_ai_runs_in_progress:increase1m',
            ['job:pydantic_ai_runs_in_progress:increase1m is not recorded for boards'],
        ),
        ('job:pydantic_ai_runs_in_progress:sum', []),
        ('job:streamtap_build_info:max', ['job:streamtap_build_info:max is not recorded for boards']),
        (f'job:{ERRORS}:count', [f'job:{ERRORS}:count is not recorded for boards']),
    ],
)
def test_a_query_may_ask_only_for_what_is_recorded(query: str, wrong: list[str]):
    """By its name, and by its labels, of which the instance is none."""
    assert list(strangers_of(query, RECORDED)) == wrong


@pytest.mark.parametrize(
    ('every', 'scrape_seconds', 'told'),
    [
        ('30s', 60, 'recorded_every must be a multiple of scrape_seconds, which is 60'),
        ('1m', 25, 'recorded_every must be a multiple of scrape_seconds, which is 25'),
        ('5m', 60, 'recorded_every must be at most 120 seconds'),
        ('often', 60, "'often' is no length of time such as 90s, 5m, 1h or 1d"),
    ],
)
def test_records_that_boards_cannot_read_are_refused(every: str, scrape_seconds: int, told: str):
    """They come after as many scrapes each time, and no more seldom than a board looks back."""
    with pytest.raises(ValueError, match=re.escape(told)):
        Config(recorded_every=every, scrape_seconds=scrape_seconds)
