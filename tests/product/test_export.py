"""`streamtap dashboards export`: the boards and rules come out of the package as they are in the repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from streamtap._cli import main
from streamtap._dashboards.config import CONFIG, THRESHOLDS
from streamtap._dashboards.settings import read_settings, settings_text
from streamtap._version import __version__
from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, but what Python left there."""
    found = [path for path in folder.rglob('*') if path.is_file() and '__pycache__' not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture(scope='module')
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel installs it, away from the repository."""
    folder = tmp_path_factory.mktemp('wheel')
    build = [sys.executable, '-m', 'hatchling', 'build', '--target', 'wheel', '--directory', str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = folder.glob('*.whl')
    zipfile.ZipFile(wheel).extractall(folder / 'site')
    return folder / 'site'


def test_a_wheel_has_them_all(installed: Path, tmp_path: Path):
    """What is exported from it is the repository's folder, with the runbooks, byte for byte."""
    subprocess.run(
        [sys.executable, '-m', 'streamtap', 'dashboards', 'export', str(tmp_path / 'new')],
        env={**os.environ, 'PYTHONPATH': str(installed)},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    runbooks = (ROOT / 'docs' / 'runbooks.md').read_bytes()
    assert files(tmp_path / 'new') == {**files(ROOT / 'dashboards'), 'runbooks.md': runbooks}


def test_a_wheel_has_nothing_that_python_left(installed: Path):
    """No compiled files."""
    assert [name for name in installed.rglob('*') if name.suffix == '.pyc'] == []


def test_a_checkout_exports_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Into a folder that is there and empty, too; and it says where to read on."""
    assert main(['dashboards', 'export', str(tmp_path)]) == 0
    assert files(tmp_path).keys() == files(ROOT / 'dashboards').keys() | {'runbooks.md'}
    assert str(tmp_path / 'README.md') in capsys.readouterr().out
    assert (tmp_path / 'README.md').is_file()


def export(folder: Path, *options: str) -> int:
    return main(['dashboards', 'export', str(folder), *options])


def test_an_installed_wheel_writes_them_by_settings_of_ones_own(installed: Path, tmp_path: Path):
    """Without a checkout and without a library that only we need: nothing but Pydantic AI is beside it."""
    (tmp_path / 'my.toml').write_text('min_runs = 77\nscrape_seconds = 15\n', encoding='utf-8')
    hidden = (
        'import sys; sys.modules["yaml"] = None; sys.argv[0] = "streamtap"; from streamtap._cli import main; main()'
    )
    subprocess.run(
        [sys.executable, '-c', hidden, 'dashboards', 'export', 'new', '--config', 'my.toml', '--label', 'tenant'],
        env={**os.environ, 'PYTHONPATH': str(installed)},
        cwd=tmp_path,
        check=True,
        timeout=60,
    )
    new = tmp_path / 'new'
    assert (new / 'prometheus' / 'alerts.yaml').read_text(encoding='utf-8').count('>= 77') == 9
    assert 'tenant=~\\"$tenant\\"' in (new / 'grafana' / 'overview.json').read_text(encoding='utf-8')
    kept = read_settings(new / 'streamtap.toml')
    assert kept == replace(CONFIG, min_runs=77, scrape_seconds=15, labels=('tenant',))


def test_options_come_before_the_settings_file(tmp_path: Path):
    """And labels are added to its own."""
    settings = tmp_path / 'my.toml'
    settings.write_text('labels = ["tier"]\nrunbooks = "https://old"\ngrafana = "https://grafana"\n', encoding='utf-8')
    options = (
        '--label',
        'tenant',
        '--runbooks',
        'https://new',
        '--datasource',
        'mimir',
        '--namespace',
        'observability',
    )
    assert export(tmp_path / 'new', '--config', str(settings), *options) == 0
    assert read_settings(tmp_path / 'new' / 'streamtap.toml') == replace(
        CONFIG,
        labels=('tier', 'tenant'),
        runbooks='https://new',
        grafana='https://grafana',
        datasource='mimir',
        namespace='observability',
    )
    board = json.loads((tmp_path / 'new' / 'grafana' / 'tools.json').read_text(encoding='utf-8'))
    assert board['templating']['list'][0]['current'] == {'text': 'mimir', 'value': 'mimir', 'selected': True}


@pytest.mark.parametrize(
    ('settings', 'options', 'told'),
    [
        ('min_run = 3', (), 'my.toml: there is no setting min_run: do you mean min_runs?'),
        ('colour = "red"', (), 'my.toml: there is no setting colour'),
        ('window = "5 minutes"', (), "my.toml: window: '5 minutes' is no length of time such as 90s, 5m, 1h or 1d"),
        ('max_failed_run_share = 10', (), 'my.toml: max_failed_run_share: must be less than or equal to 1'),
        ('labels = ["agent"]', (), "my.toml: the label 'agent' is reserved by streamtap or Prometheus: choose another"),
        ('[buckets]\nrun_seconds = [1]', (), 'my.toml: buckets names no histogram of streamtap: run_seconds'),
        ('[[burns]]\nnme = "x"', (), 'there is no setting burns.0.nme: do you mean name?'),
        (
            'slow_tool_seconds = 4',
            (),
            'my.toml: slow_tool_seconds: 4 is no bucket bound of pydantic_ai_tool_duration_seconds; '
            'choose one of 0.01, 0.03, 0.1',
        ),
        ('first_token_seconds = "a"', (), 'my.toml: first_token_seconds: must be a number\n'),
        ('first_token_seconds = true', (), 'my.toml: first_token_seconds: must be a number\n'),
        ('min_runs = 1.5', (), 'my.toml: min_runs: must be a whole number\n'),
        ('labels = "tier"', (), 'my.toml: labels: must be a list\n'),
        ('keep = [3]', (), 'my.toml: keep.0: must be text\n'),
        ('buckets = 3', (), 'my.toml: buckets: must be a table\n'),
        ('histograms = "none"', (), "my.toml: histograms: must be 'any' or 'classic'\n"),
        ('runbooks = "foo"', (), "my.toml: runbooks: 'foo' is no address: write it like https://wiki.example.com"),
        ('grafana = "http://"', (), "my.toml: grafana: 'http://' is no address"),
        ('datasource = "a b"', (), "my.toml: datasource: 'a b' is no uid"),
        ('', ('--runbooks', 'foo'), "runbooks: 'foo' is no address"),
        ('', ('--runbooks', 'https://wiki#top'), "'https://wiki#top' is no address"),
        ('', ('--grafana', 'nonsense'), "grafana: 'nonsense' is no address"),
        ('', ('--grafana', 'https://[grafana'), "grafana: 'https://[grafana' is no address"),
        ('', ('--grafana', ''), '--grafana is empty: give it a value, or leave it out'),
        ('', ('--datasource', ''), '--datasource is empty: give it a value, or leave it out'),
        ('min_runs =', (), 'my.toml is no TOML: Invalid value'),
        ('', ('--label', 'a-b'), "'a-b' cannot be a Prometheus label"),
        ('', ('--namespace', 'Mine'), "namespace: 'Mine' is no namespace: use small letters, digits and hyphens"),
    ],
)
def test_what_cannot_be_a_setting_is_refused(
    settings: str,
    options: tuple[str, ...],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """With what to do, and before anything is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'my.toml').write_text(settings, encoding='utf-8')
    assert export(tmp_path / 'new', '--config', 'my.toml', *options) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize('setting', THRESHOLDS)
def test_a_threshold_must_be_a_bound_of_its_histogram(setting: str):
    """Between two bounds nothing can be counted; the error names the setting and the bounds."""
    with pytest.raises(ValueError, match=f'{setting}: 0.7654 is no bucket bound of {THRESHOLDS[setting]}; choose one'):
        replace(CONFIG, **{setting: 0.7654})


def test_the_settings_say_which_of_them_must_be_bounds():
    """And those are checked."""
    about = ' '.join(settings_text(CONFIG).replace('# ', '').split())
    said = re.findall(r'a bucket bound of [^=]*?(\w+) = ', about)
    assert sorted(said) == sorted(THRESHOLDS)


def test_buckets_of_ones_own_can_be_thresholds(tmp_path: Path):
    """As in `PrometheusSink(buckets=...)`."""
    settings = tmp_path / 'my.toml'
    settings.write_text('slow_tool_seconds = 4\nbuckets = {pydantic_ai_tool_duration_seconds = [1, 4]}', 'utf-8')
    assert export(tmp_path / 'new', '--config', str(settings)) == 0
    rules = (tmp_path / 'new' / 'prometheus' / 'rules.yaml').read_text(encoding='utf-8')
    assert 'pydantic_ai_tool_duration_seconds_bucket{le=~"4([.]0)?"}' in rules


def test_an_export_is_as_it_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Also one with settings of one's own."""
    assert export(tmp_path / 'new', '--label', 'tenant', '--namespace', 'here') == 0
    capsys.readouterr()
    assert main(['dashboards', 'check', str(tmp_path / 'new')]) == 0
    assert capsys.readouterr().out == f'{tmp_path / "new"} is as streamtap {__version__} writes it\n'


def test_what_was_changed_in_an_export_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """By panel and by line; what Grafana only wrote its own way is no change."""
    new = tmp_path / 'new'
    assert export(new) == 0
    alerts, tools, models = (
        new / 'prometheus' / 'alerts.yaml',
        new / 'grafana' / 'tools.json',
        new / 'grafana' / 'models.json',
    )
    text = alerts.read_text(encoding='utf-8')
    alerts.write_text(text.replace('    for: 1m\n', '    for: 9m\n', 1), encoding='utf-8')
    (new / 'prometheus' / 'rules.yaml').unlink()
    board = json.loads(tools.read_text(encoding='utf-8'))
    gone, other, judged = [panel for panel in board['panels'] if panel['type'] == 'stat'][:3]
    board['panels'].remove(gone)
    other['targets'][0]['expr'] = 'sum(pydantic_ai_tool_call_total{tool="x"})'
    judged['fieldConfig']['defaults']['thresholds'] = {}
    board['panels'].append({**gone, 'title': 'Mine'})
    tools.write_text(json.dumps(board), encoding='utf-8')
    saved = {'version': 7, 'id': 3, **json.loads(models.read_text(encoding='utf-8'))}
    models.write_text(json.dumps(saved, indent=1), encoding='utf-8')
    (new / 'grafana' / 'mine.json').write_text(
        '{"panels": [{"expr": "rate(pydantic_ai_runs_total{x=\\"y\\"}[5m])"}]}', 'utf-8'
    )
    (new / 'grafana' / 'other.json').write_text('{', encoding='utf-8')
    capsys.readouterr()
    assert main(['dashboards', 'check', str(new)]) == 1
    line = text[: text.index('    for: 1m\n')].count('\n') + 1
    assert capsys.readouterr().out.splitlines() == [
        f"grafana/tools.json differs: {gone['title']!r} is missing, 'Mine' is new, "
        f'{other["title"]!r} has another query, {judged["title"]!r} has another threshold',
        'prometheus/rules.yaml is missing',
        f'prometheus/alerts.yaml differs: 1 line is gone and 1 is new, from line {line} on',
        'grafana/mine.json asks for what does not exist: pydantic_ai_runs_total has no label x',
        'grafana/other.json is no JSON',
        'grafana/tools.json asks for what does not exist: pydantic_ai_tool_call_total is not in the catalogue',
    ]


def test_what_is_no_export_cannot_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Its settings are missing."""
    assert main(['dashboards', 'check', str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f'streamtap dashboards check: {tmp_path} is not an export, as it has no streamtap.toml: '
        '`streamtap dashboards export DIR` writes one\n'
    )


@pytest.mark.parametrize('taken', ['folder', 'file'])
def test_nothing_is_overwritten(taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What somebody may have changed is left alone: one line on stderr, and the exit status is 2."""
    target = tmp_path / 'taken'
    if taken == 'folder':
        target.mkdir()
        (target / 'mine.toml').write_text('mine', encoding='utf-8')
    else:
        target.write_text('mine', encoding='utf-8')
    assert main(['dashboards', 'export', str(target)]) == 2
    err = capsys.readouterr().err
    assert err == f'streamtap dashboards export: {target} is not an empty folder: choose another\n'
    assert list(files(tmp_path).values()) == [b'mine']


def test_a_link_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Somebody else may have put it there."""
    (tmp_path / 'real').mkdir()
    (tmp_path / 'link').symlink_to('real')
    assert main(['dashboards', 'export', str(tmp_path / 'link')]) == 2
    assert 'is a symbolic link, which is not followed' in capsys.readouterr().err
    assert list(files(tmp_path).values()) == []


def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """They could put links into it while it is written."""
    tmp_path.chmod(0o777)
    assert main(['dashboards', 'export', str(tmp_path)]) == 2
    assert 'can be written by others (its mode is 777): chmod go-w' in capsys.readouterr().err
