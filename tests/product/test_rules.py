"""The recording rules and alerts: written from the catalogue, tested by promtool, each with its runbook."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.export import write
from streamtap._dashboards.grafana.boards import BOARDS
from streamtap._dashboards.promql.pieces import series
from streamtap._dashboards.rules.alerts import alerts
from streamtap._dashboards.rules.groups import rule_files
from streamtap._dashboards.rules.recording import recordings
from support.paths import ROOT
from support.required import SERVERS

if TYPE_CHECKING:
    from pathlib import Path

    from streamtap._dashboards.rules.alert import Alert

DASHBOARDS = ROOT / 'dashboards'
CASES = sorted((DASHBOARDS / 'prometheus' / 'tests').glob('*.yaml'))
ALERTS = {alert.name: alert for group in alerts(CONFIG).values() for alert in group.rules}
RECORDED = {rule.record: rule.expr for group in recordings(CONFIG).values() for rule in group.rules}


LONG = ('budget', 'cost', 'days', 'objectives', 'runs', 'self', 'small_teams', 'weeks')
"""Cases for which promtool takes long, up to half a minute: they are asked of the newer one only."""


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expectations(alert: str) -> list[list[Any]]:
    """What the cases expect of an alert: one list of firing alerts for each time at which a case looks."""
    tests = [test for file in CASES for test in yaml.safe_load(file.read_text(encoding='utf-8'))['tests']]
    looks = [look for test in tests for look in test['alert_rule_test']]
    return [look['exp_alerts'] for look in looks if look['alertname'] == alert]


def reading(case: Path, folder: Path) -> Path:
    """The case with just the rules that it and its alerts read, which are a small part of what promtool would evaluate."""
    asked = yaml.safe_load(case.read_text(encoding='utf-8'))
    groups = [
        group
        for file in asked['rule_files']
        for group in yaml.safe_load((case.parent / file).read_text(encoding='utf-8'))['groups']
    ]
    expressions = {rule.get('alert') or rule['record']: rule['expr'] for group in groups for rule in group['rules']}
    queries = [query['expr'] for test in asked['tests'] for query in test.get('promql_expr_test', ())]
    waiting = {look['alertname'] for test in asked['tests'] for look in test['alert_rule_test']}
    waiting |= {name for name in expressions if any(name in query for query in queries)}
    read: set[str] = set()
    while waiting:
        name = waiting.pop()
        read.add(name)
        waiting |= {other for other in expressions if other in expressions[name]} - read
    for group in groups:
        group['rules'] = [rule for rule in group['rules'] if (rule.get('alert') or rule['record']) in read]
    kept = [group for group in groups if group['rules']]
    (folder / 'rules.yaml').write_text(yaml.safe_dump({'groups': kept}), encoding='utf-8')
    narrowed = asked | {'rule_files': ['rules.yaml'], 'group_eval_order': [group['name'] for group in kept]}
    (folder / case.name).write_text(yaml.safe_dump(narrowed, sort_keys=False), encoding='utf-8')
    return folder / case.name


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ('each_promtool', 'case'),
    [
        pytest.param(path, case, id=f'{version}-{case.stem}')
        for version, path in (('2', None), ('3', SERVERS))
        for case in CASES
        if version == '3' or case.stem not in LONG
    ],
    indirect=['each_promtool'],
)
def test_promtool_agrees_with_every_case(case: Path, each_promtool: str, tmp_path: Path):
    """The alerts fire when they should, with the right labels and texts, and stay quiet when they should."""
    assert 'SUCCESS' in run(each_promtool, 'test', 'rules', str(reading(case, tmp_path)))


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.stem)
def test_cases_evaluate_alerts_after_what_they_read(case: Path):
    """Else promtool chooses an order of groups by chance."""
    files = rule_files(CONFIG)
    groups = [
        group['name']
        for name in ('rules', 'alerts')
        for group in yaml.safe_load(files[f'prometheus/{name}.yaml'])['groups']
    ]
    assert yaml.safe_load(case.read_text(encoding='utf-8'))['group_eval_order'] == groups


@pytest.mark.parametrize('alert', ALERTS)
def test_every_alert_has_a_case_that_fires_and_one_that_stays_quiet(alert: str):
    """An alert that nobody saw fire is a hope; one that nobody saw quiet is noise."""
    expected = expectations(alert)
    assert any(expected)
    assert not all(expected)


@pytest.mark.parametrize('alert', ALERTS)
def test_every_alert_leads_to_its_runbook(alert: str):
    """What it means, what to look at, what to do, and no more."""
    page = (ROOT / 'docs' / 'runbooks.md').read_text(encoding='utf-8')
    sections = dict(re.findall(r'^## (\w+)\n(.*?)(?=^## |\Z)', page, re.MULTILINE | re.DOTALL))
    assert re.findall(r'^\*\*(.*?)\*\*', sections[alert], re.MULTILINE) == [
        'What it means.',
        'What to look at.',
        'What to do.',
    ]
    assert set(sections) == set(ALERTS)


def test_every_link_within_the_runbooks_leads_somewhere():
    """Headings are the anchors of the alerts, too."""
    page = (ROOT / 'docs' / 'runbooks.md').read_text(encoding='utf-8')
    headings = {heading.lower() for heading in re.findall(r'^## (\w+)$', page, re.MULTILINE)}
    assert set(re.findall(r'\]\(#(\w+)\)', page)) <= headings


@pytest.mark.parametrize('name', ['dashboards', 'walkthrough'])
def test_every_link_of_the_pages_about_boards_leads_somewhere(name: str):
    """To runbooks, other pages and pictures; headings of other pages are held by the site's own strict build."""
    docs = ROOT / 'docs'
    links = re.findall(r'\]\(([^)#:]+)(?:#([\w-]+))?\)', (docs / f'{name}.md').read_text(encoding='utf-8'))
    assert links
    assert [path for path, _ in links if not (docs / path).is_file()] == []
    alerts = {heading for path, heading in links if path == 'runbooks.md' and heading}
    assert alerts <= {alert.lower() for alert in ALERTS}


@pytest.mark.parametrize('keep', [(), ('job',), ('cluster', 'job', 'tenant')])
def test_what_is_kept_apart_can_be_changed(keep: tuple[str, ...], promtool: str, tmp_path: Path):
    """Labels of the scrape or of the user's own, or none: Prometheus understands the rules."""
    write(rule_files(replace(CONFIG, keep=keep)), tmp_path)
    for name, rules in (('rules', len(RECORDED)), ('alerts', len(ALERTS))):
        assert f'{rules} rules found' in run(promtool, 'check', 'rules', str(tmp_path / 'prometheus' / f'{name}.yaml'))


@pytest.mark.parametrize('windows', [{'only_failures': ('90m',)}, {'stopped': ('1d', '5000s')}])
def test_a_window_of_hours_is_of_whole_hours(windows: dict[str, tuple[str, ...]]):
    """It is put together from recorded hours."""
    with pytest.raises(ValueError, match=r'(90m|5000s): windows longer than an hour must be whole hours or days'):
        rule_files(replace(CONFIG, **windows))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(('scrape_seconds', 'short'), [(5, '1m'), (30, '1m'), (45, '90s'), (60, '2m')])
def test_the_shortest_window_has_two_scrapes(scrape_seconds: int, short: str):
    """With one, nothing is known to have grown."""
    config = replace(CONFIG, scrape_seconds=scrape_seconds)
    assert config.short == short
    assert (
        f'runs_total{{nested="false", outcome=~"error|timeout|limit"}}[{short}]'
        in rule_files(config)['prometheus/rules.yaml']
    )


def test_the_name_of_what_is_recorded_says_its_level():
    """As Prometheus has it: the labels that are left, the metric, what was done with it."""
    for record, expr in RECORDED.items():
        level, metric, how = record.split(':')
        assert re.fullmatch(r'(pydantic_ai|streamtap)_[a-z_]+', metric)
        assert re.fullmatch(r'(median\w+_)?(increase|ratio_rate|mean|ratio)\d+[smhd]', how)
        kept = {grouping.replace(', ', '_') for grouping in re.findall(r'sum by \((.*?)\)', expr)}
        assert kept <= {level}, record
        if not kept:
            assert set(re.findall(r'(\w+):(?:pydantic_ai|streamtap)_', expr)) == {level}, record


def test_every_alert_compares_what_is_recorded_or_there():
    """A name that nothing records would never be true."""
    known = set(RECORDED)
    for alert in ALERTS.values():
        assert set(re.findall(r'\w+:\w+:\w+', alert.expr)) <= known, alert.name


def test_every_group_says_how_often_it_is_evaluated():
    """Else it is as often as the server thinks right, which may be each minute."""
    files = rule_files(CONFIG)
    groups = [
        group for name in ('rules', 'alerts') for group in yaml.safe_load(files[f'prometheus/{name}.yaml'])['groups']
    ]
    assert {group['interval'] for group in groups} == {'15s', '1m'}
    assert {group['interval'] for group in groups if group['name'].endswith(('run-alerts', 'absence-alerts'))} == {
        '15s'
    }


def test_a_server_without_native_histograms_is_not_asked_for_them():
    """It would refuse the rule."""
    classic = rule_files(replace(CONFIG, histograms='classic'))['prometheus/rules.yaml']
    assert 'histogram_' not in classic
    assert 'histogram_fraction(0, 5, ' in rule_files(CONFIG)['prometheus/rules.yaml']


@pytest.mark.parametrize('alert', ALERTS.values(), ids=ALERTS)
def test_every_alert_leads_to_its_board(alert: Alert):
    """With what it is about chosen there, by variables that the board has."""
    grafana = replace(CONFIG, grafana='https://grafana.example.com/')
    url = alert.annotations(grafana)['dashboard_url']
    board = next(board for board in BOARDS if url.startswith(f'https://grafana.example.com/d/{board.uid}?'))
    found = re.findall(r'\{\{ with \$labels\.(\w+) \}\}&var-(\w+)=\{\{ \. \| urlquery \}\}\{\{ end \}\}', url)
    chosen = {variable: label for label, variable in found}
    assert set(chosen) <= {'job', 'instance', *board.filters}
    assert {'job', *alert.about} >= set(chosen.values())
    assert 'job' in chosen


def test_a_bound_matches_as_it_is_scraped_and_as_it_is_pushed():
    """`5.0` and `5` are the same bound, `7.5` is spelled one way, and neither matches another bound."""
    for bound, spelled in ((5, {'5', '5.0'}), (7.5, {'7.5'})):
        rules = yaml.safe_load(rule_files(replace(CONFIG, first_token_seconds=bound))['prometheus/rules.yaml'])
        texts = [rule['expr'] for group in rules['groups'] for rule in group['rules']]
        ((operator, value),) = {
            found for text in texts for found in re.findall(r'token_seconds_bucket\{le=(~?)"(.*?)"', text)
        }
        matches = re.compile(value.replace('\\\\', '\\') if operator else re.escape(value)).fullmatch
        assert {bound for bound in ('0.5', '5', '5.0', '7.5', '7.50', '75', '50', '15.0') if matches(bound)} == spelled


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (('pydantic_ai_turns_total',), 'pydantic_ai_turns_total is not in the catalogue'),
        (('pydantic_ai_runs_total', 'model="m"'), 'pydantic_ai_runs_total has no label model'),
        (('pydantic_ai_runs_total', 'le="5"'), 'pydantic_ai_runs_total has no label le'),
    ],
)
def test_a_rule_cannot_name_what_is_not_in_the_catalogue(arguments: tuple[str, ...], says: str):
    """A renamed metric stops the generator."""
    with pytest.raises(ValueError, match=says):
        series(*arguments)
