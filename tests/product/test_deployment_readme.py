"""The commands that the exported folder's texts name: run where they can be, in a folder that was exported."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streamtap._cli import main
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = ROOT / 'dashboards'
TEXTS = (FOLDER / 'README.md', FOLDER / 'compose' / 'compose.yaml', FOLDER / 'compose' / 'demo' / 'Dockerfile')
COMMAND = re.compile(r'`((?:[A-Z_]+=\S+ )?(?:cd|cp|docker|kubectl|make|pip|promtool|python|streamtap) [^`]+)`')

RUN = (
    'streamtap dashboards export DIR',
    'streamtap dashboards export DIR --config streamtap.toml',
    'streamtap dashboards check .',
    'streamtap demo --help',
)
"""What is run as it stands, with a folder for `DIR`."""

READ: dict[str, Callable[[Path], bool]] = {
    # Each of them is run where the repository's are, which are these.
    'promtool test rules prometheus/tests/*.yaml': lambda folder: (
        {path.name for path in (folder / 'prometheus' / 'tests').iterdir()}
        == {path.name for path in (FOLDER / 'prometheus' / 'tests').iterdir()}
    ),
    'cd compose && docker compose up': lambda folder: (folder / 'compose' / 'compose.yaml').is_file(),
    'docker compose logs demo': lambda folder: (folder / 'compose' / 'compose.yaml').is_file(),
    'docker compose up': lambda folder: (folder / 'compose' / 'compose.yaml').is_file(),
    'FAULT=slow-tool docker compose up': lambda folder: (folder / 'compose' / 'compose.yaml').is_file(),
    'kubectl apply -k kubernetes/': lambda folder: (folder / 'kubernetes' / 'kustomization.yaml').is_file(),
    'kubectl apply --server-side -k kubernetes/': lambda folder: (
        folder / 'kubernetes' / 'kustomization.yaml'
    ).is_file(),
    'make package': lambda _: '\npackage: ' in (ROOT / 'Makefile').read_text(encoding='utf-8'),
    'cp dist/*.whl dashboards/compose/demo/': lambda _: (
        ROOT / 'dashboards' / 'compose' / 'demo' / 'Dockerfile'
    ).is_file(),
    'pip download --no-deps --only-binary=:all: --dest compose/demo streamtap==VERSION': lambda folder: (
        folder / 'compose' / 'demo'
    ).is_dir(),
}
"""What needs Docker, Kubernetes or a release, and what must be there for it to work."""


@pytest.fixture(scope='module')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as users have it."""
    folder = tmp_path_factory.mktemp('exported') / 'boards'
    assert main(['dashboards', 'export', str(folder)]) == 0
    return folder


def test_each_command_is_tried():
    """Those of the texts are those below."""
    found = {command for text in TEXTS for command in COMMAND.findall(text.read_text(encoding='utf-8'))}
    assert found == {*RUN, *READ}


@pytest.mark.timeout(180)
@pytest.mark.parametrize('command', RUN)
def test_it_runs(command: str, exported: Path, tmp_path: Path, promtool: str):
    """And says nothing of an error."""
    copy = shutil.copytree(exported, tmp_path / 'copy')
    programs = {'promtool': promtool, 'python': sys.executable, 'streamtap': f'{sys.executable} -m streamtap'}
    program, _, arguments = command.partition(' ')
    shell = f'{programs[program]} {arguments.replace("DIR", str(tmp_path / "new"))}'
    env = {**os.environ, 'PYTHONWARNINGS': 'error'}
    done = subprocess.run(
        ('sh', '-c', shell), cwd=copy, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, ''), done


@pytest.mark.parametrize('command', READ)
def test_what_it_needs_is_there(command: str, exported: Path):
    """Where it is not run."""
    assert READ[command](exported)
