"""The recording rules and alerts: written from the catalogue, tested by promtool, each with its runbook."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from config import CONFIG, Config
from generator.generated_files import write
from generator.rules_alerts import alerts
from generator.rules_promql import series
from generator.rules_yaml import rule_files

from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DASHBOARDS = ROOT / 'dashboards'
CASES = sorted((DASHBOARDS / 'prometheus' / 'tests').glob('*.yaml'))
ALERTS = [alert.name for group in alerts(CONFIG).values() for alert in group]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expectations(alert: str) -> list[list[Any]]:
    """What the cases expect of an alert: one list of firing alerts for each time at which a case looks."""
    tests = [test for file in CASES for test in yaml.safe_load(file.read_text(encoding='utf-8'))['tests']]
    looks = [look for test in tests for look in test['alert_rule_test']]
    return [look['exp_alerts'] for look in looks if look['alertname'] == alert]


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.stem)
def test_promtool_agrees_with_every_case(case: Path, each_promtool: str):
    """The alerts fire when they should, with the right labels and texts, and stay quiet when they should."""
    assert 'SUCCESS' in run(each_promtool, 'test', 'rules', str(case))


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
    for name, rules in (('rules', 19), ('alerts', 13)):
        assert f'{rules} rules found' in run(promtool, 'check', 'rules', str(tmp_path / 'prometheus' / f'{name}.yaml'))


@pytest.mark.parametrize(
    ('config', 'metric'),
    [
        (replace(CONFIG, first_token_seconds=4), 'pydantic_ai_time_to_first_token_seconds'),
        (replace(CONFIG, blank_screen_seconds=4), 'pydantic_ai_run_time_to_first_output_seconds'),
    ],
)
def test_what_is_slow_must_be_a_bucket_bound(config: Config, metric: str):
    """Between two bounds a histogram knows nothing."""
    with pytest.raises(ValueError, match=rf'4 is no bucket bound of {metric}.* 3, 5'):
        rule_files(config)


def test_a_bound_matches_as_it_is_scraped_and_as_it_is_pushed():
    """`5.0` and `5` are the same bound, `7.5` is spelled one way, and neither matches another bound."""
    for bound, spelled in ((5, {'5', '5.0'}), (7.5, {'7.5'})):
        rules = yaml.safe_load(rule_files(replace(CONFIG, first_token_seconds=bound))['prometheus/rules.yaml'])
        (text,) = [
            rule['expr']
            for group in rules['groups']
            for rule in group['rules']
            if 'token_seconds_bucket' in rule['expr']
        ]
        operator, value = re.findall(r'le=(~?)"(.*?)"', text)[0]
        matches = re.compile(value.replace('\\\\', '\\') if operator else re.escape(value)).fullmatch
        assert {bound for bound in ('0.5', '5', '5.0', '7.5', '7.50', '75', '50', '15.0') if matches(bound)} == spelled


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (('pydantic_ai_turns_total',), 'the catalogue has no metric pydantic_ai_turns_total'),
        (('pydantic_ai_runs_total', 'model="m"'), 'pydantic_ai_runs_total has no label model'),
        (('pydantic_ai_runs_total', 'le="5"'), 'pydantic_ai_runs_total has no label le'),
    ],
)
def test_a_rule_cannot_name_what_is_not_in_the_catalogue(arguments: tuple[str, ...], says: str):
    """A renamed metric stops the generator."""
    with pytest.raises(ValueError, match=says):
        series(*arguments)
