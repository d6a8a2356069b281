"""`streamtap dashboards export`: the boards and rules come out of the package as they are in the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest

from streamtap._cli import main
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


def test_the_exported_rules_can_be_written_again(tmp_path: Path):
    """With other thresholds, from the exported folder itself."""
    assert main(['dashboards', 'export', str(tmp_path)]) == 0
    config = tmp_path / 'config.py'
    config.write_text(config.read_text(encoding='utf-8').replace('min_runs: int = 10', 'min_runs: int = 77'), 'utf-8')
    subprocess.run([sys.executable, str(tmp_path / 'generate.py')], check=True, timeout=60)
    alerts = (tmp_path / 'prometheus' / 'alerts.yaml').read_text(encoding='utf-8')
    assert alerts.count('>= 77') == 4


def test_no_folder_is_taken_for_a_package():
    """`python generate.py` finds the folders beside it before any package: one of that name would not be asked for."""
    folders = {path.name for path in (ROOT / 'dashboards').iterdir() if path.is_dir()}
    assert folders.isdisjoint(packages_distributions())


@pytest.mark.parametrize('taken', ['folder', 'file'])
def test_nothing_is_overwritten(taken: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What somebody may have changed is left alone: one line on stderr, and the exit status is 2."""
    target = tmp_path / 'taken'
    if taken == 'folder':
        target.mkdir()
        (target / 'config.py').write_text('mine', encoding='utf-8')
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
