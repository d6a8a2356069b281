"""The files of `make locks`: what builds the package and what the demo's image is made of, with hashes."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import requires
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from support.paths import ROOT
from support.required import missing
from tools.locks import HEAD, LOCKS

if TYPE_CHECKING:
    from pathlib import Path

    from tools.locks import Lock

HASH = r'--hash=sha256:[0-9a-f]{64}'
PINNED = rf'[a-z0-9][a-z0-9-]*==[0-9][a-z0-9.]*( ; [^\\\n]+)?( \\\n    {HASH})+\n'

each_lock = pytest.mark.parametrize('lock', LOCKS, ids=lambda lock: lock.path)


def text(lock: Lock) -> str:
    return (ROOT / lock.path).read_text(encoding='utf-8')


def versions(lock: Lock) -> dict[str, str]:
    return dict(re.findall(r'^([a-z0-9-]+)==(\S+)', text(lock), re.MULTILINE))


def pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, '-m', 'pip', '--disable-pip-version-check', '--timeout', '30', '--retries', '1')
    return subprocess.run((*command, *arguments), capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture(scope='module')
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A package index that answers."""
    if pip('download', '--quiet', '--no-deps', '--dest', tmp_path_factory.mktemp('index'), 'packaging').returncode:
        missing('a package index', 'pip reaches none')


def installed(requirements: Path, python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have pip choose and check all that would be installed on Linux, without installing it."""
    tag = python.replace('.', '')
    libc = [f'--platform=manylinux{each}_x86_64' for each in ('_2_28', '_2_17', '2014')]
    there = (f'--python-version={python}', '--implementation=cp', f'--abi=cp{tag}', *libc, '--only-binary=:all:')
    only = ('--require-hashes', '--dry-run', '--ignore-installed', '--quiet', '--target', folder)
    return pip('install', *only, *there, '--requirement', requirements)


@each_lock
def test_everything_has_one_version_and_its_hashes(lock: Lock):
    """And nothing else is in the file: no address of an index, no folder of a machine, no option."""
    assert re.fullmatch(f'{re.escape(HEAD)}({PINNED})+', text(lock)) is not None


def test_the_builder_has_what_the_project_asks_for():
    """The build backend of `pyproject.toml`, at a version that it allows."""
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    (backend,) = map(Requirement, re.findall(r"^requires = \['(.+)'\]$", project, re.MULTILINE))
    assert versions(LOCKS[0])[backend.name] in backend.specifier


def test_the_image_has_what_the_package_asks_for():
    """Each dependency of the package and of the extras that the demo needs, at a version that it allows."""
    demo = versions(LOCKS[1])
    asked = [Requirement(each) for each in requires('streamtap') or ()]
    extras = [{'extra': extra} for extra in ('', *(LOCKS[1].extras or ()))]
    needed = [each for each in asked if each.marker is None or any(map(each.marker.evaluate, extras))]
    assert {'rich', 'opentelemetry-sdk', 'pydantic-ai-slim'} <= {each.name for each in needed}
    assert [str(each) for each in needed if demo.get(each.name, '0') not in each.specifier] == []


def test_the_image_has_the_python_that_its_file_is_for():
    """The Dockerfile's."""
    dockerfile = (ROOT / 'dashboards' / 'compose' / 'demo' / 'Dockerfile').read_text(encoding='utf-8')
    assert re.findall(r'^FROM python:([\d.]+)-slim$', dockerfile, re.MULTILINE) == [LOCKS[1].python]


@pytest.mark.timeout(180)
@pytest.mark.usefixtures('index')
@each_lock
def test_nothing_else_is_needed(lock: Lock, tmp_path: Path):
    """The file is enough for pip: every dependency of every package is in it, and has one of its hashes."""
    done = installed(ROOT / lock.path, lock.python, tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.timeout(180)
@pytest.mark.usefixtures('index')
def test_what_is_missing_or_another_is_refused(tmp_path: Path):
    """A file of another hash, or a package without any, is what the check above finds."""
    lock = LOCKS[0]
    lacking, other = tmp_path / 'lacking.txt', tmp_path / 'other.txt'
    lacking.write_text(re.sub(r'pluggy==.+?\n(?=[a-z])', '', text(lock), flags=re.DOTALL), encoding='utf-8')
    other.write_text(re.sub(r'sha256:[0-9a-f]{8}', 'sha256:00000000', text(lock)), encoding='utf-8')
    assert 'pluggy' in installed(lacking, lock.python, tmp_path / 'to').stderr
    assert 'DO NOT MATCH' in installed(other, lock.python, tmp_path / 'to').stderr
