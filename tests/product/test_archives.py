"""What would be released has what git knows and nothing else, whatever lies about in the folder that it is built in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from package.archives import Archives, PackageError, build, files_of_git
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

# Both archives are built, with pip.
pytestmark = pytest.mark.timeout(180)

OF_NO_KIND = (
    '.env',
    'notes.txt',
    'id_rsa',
    'src/streamtap/.env',
    'src/streamtap/notes.txt',
    'src/streamtap/_web/static/.DS_Store',
    'src/streamtap/_web/static/live.css.orig',
    'src/other/core',
    'dashboards/kubernetes/token.key',
    'dashboards/compose/demo/streamtap-0.0.1-py3-none-any.whl',
    'dashboards/compose/.env',
    'docs/salaries.csv',
    'examples/.netrc',
    'tests/hostile/corpus/.gitignore',
    'locks/.pypirc',
)
"""What nobody means to release, and what is of no kind that the package has."""

OF_A_KIND = ('src/streamtap/scratch.py', 'src/other/new.js', 'dashboards/kubernetes/ours.yaml', 'docs/plan.md')
"""What could be a new file of the package: only git can tell."""


@pytest.fixture(scope='module')
def known() -> dict[str, bytes]:
    """The files of the project."""
    return files_of_git(ROOT)


def built_among(others: Iterable[str], known: dict[str, bytes], folder: Path) -> Archives:
    """Both archives, built in a copy of the project in which other files lie."""
    for name, data in {**known, **dict.fromkeys(others, b'')}.items():
        path = folder / 'project' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / 'dist').mkdir()
    return build(folder / 'project', folder / 'dist', Path(sys.executable))


@pytest.fixture(scope='module')
def archives(known: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Built where much lies about."""
    return built_among(OF_NO_KIND, known, tmp_path_factory.mktemp('littered'))


def test_what_is_no_part_of_the_package_stays_out(archives: Archives, known: dict[str, bytes]):
    """The sdist and the wheel have every file that git knows, byte for byte, and no other."""
    archives.check(known)


def test_what_is_missing_is_named(archives: Archives, known: dict[str, bytes]):
    """A file that git knows and that no pattern of `pyproject.toml` takes is not forgotten in silence."""
    with pytest.raises(PackageError, match=r'lacks docs/new\.pdf$'):
        archives.check({**known, 'docs/new.pdf': b''})


def test_what_went_in_and_git_does_not_know_is_named(known: dict[str, bytes], tmp_path: Path):
    """In the sdist, from which the wheel is made."""
    built = built_among(OF_A_KIND, known, tmp_path)
    with pytest.raises(PackageError) as caught:
        built.check(known)
    assert str(caught.value) == f'{built.sdist.name} has {", ".join(sorted(OF_A_KIND))}, too, which git does not know'


def test_what_was_changed_on_the_way_is_named(archives: Archives, known: dict[str, bytes]):
    """The bytes are compared, too."""
    with pytest.raises(PackageError, match=r'has another README\.md$'):
        archives.check({**known, 'README.md': b'other'})


def test_without_git_nothing_says_what_belongs(tmp_path: Path):
    """An unpacked sdist, for instance, is not released again."""
    with pytest.raises(PackageError, match='no checkout of git'):
        files_of_git(tmp_path)
