"""The sdist, the wheel that is built from it, and what is in them."""

from __future__ import annotations

import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DIST = ROOT / 'dist'
EXTRAS = {'demo', 'logfire', 'otel', 'rich'}
"""The extras that users are told of."""


class PackageError(Exception):
    """What would be released is not what it must be."""


@dataclass(frozen=True)
class Archives:
    """What would be released.

    Args:
        sdist: The source distribution.
        wheel: The wheel.
        version: The version of both.
    """

    sdist: Path
    wheel: Path
    version: str

    def check(self) -> None:
        """Compare both with the checkout.

        Raises:
            PackageError: If something is missing, too much or wrong.
        """
        with zipfile.ZipFile(self.wheel) as wheel:
            _same(self.wheel, {name: wheel.read(name) for name in wheel.namelist()}, self._in_wheel())
            self._check_metadata(wheel.read(f'{self._info}/METADATA').decode())
        with tarfile.open(self.sdist) as sdist:
            names = {name.partition('/')[2] for name in sdist.getnames()}
        needed = {'LICENSE', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'Makefile', 'pyproject.toml', 'mkdocs.yml'}
        folders = (_files(ROOT / folder, folder) for folder in ('src', 'tests', 'docs', 'examples', 'bench'))
        if lacking := sorted(needed.union(*folders) - names):
            raise PackageError(f'{self.sdist.name} lacks {", ".join(lacking)}')

    @property
    def _info(self) -> str:
        return f'streamtap-{self.version}.dist-info'

    def _in_wheel(self) -> dict[str, bytes | None]:
        """Every file of it, with its bytes where they are the checkout's."""
        made = dict.fromkeys(f'{self._info}/{name}' for name in ('METADATA', 'WHEEL', 'RECORD', 'entry_points.txt'))
        return {
            **_files(ROOT / 'src' / 'streamtap', 'streamtap'),
            **_files(ROOT / 'dashboards', 'streamtap/_dashboards'),
            'streamtap/_dashboards/runbooks.md': (ROOT / 'docs' / 'runbooks.md').read_bytes(),
            f'{self._info}/licenses/LICENSE': (ROOT / 'LICENSE').read_bytes(),
            **made,
        }

    def _check_metadata(self, text: str) -> None:
        metadata = email.message_from_string(text)
        found = {
            'version': metadata['Version'],
            'license': metadata['License-Expression'],
            'description': metadata['Description-Content-Type'],
            'readme': str(metadata.get_payload()).strip(),
        }
        expected = {
            'version': self.version,
            'license': 'MIT',
            'description': 'text/markdown',
            'readme': (ROOT / 'README.md').read_text(encoding='utf-8').strip(),
        }
        if wrong := [name for name, value in expected.items() if found[name] != value]:
            raise PackageError(f'the metadata of {self.wheel.name} has another {", ".join(wrong)}')
        if lacking := EXTRAS - set(metadata.get_all('Provides-Extra', ())):
            raise PackageError(f'{self.wheel.name} has no extra {", ".join(sorted(lacking))}')


def build() -> Archives:
    """Make the sdist, and from it the wheel, in an environment that pip makes for it.

    Raises:
        subprocess.CalledProcessError: If one cannot be built.
    """
    shutil.rmtree(DIST, ignore_errors=True)
    hatchling = (sys.executable, '-m', 'hatchling', 'build', '--target', 'sdist', '--directory', str(DIST))
    subprocess.run(hatchling, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (sdist,) = DIST.glob('*.tar.gz')
    pip = (sys.executable, '-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', '--no-deps')
    subprocess.run([*pip, '--wheel-dir', DIST, sdist], check=True)
    (wheel,) = DIST.glob('*.whl')
    return Archives(sdist, wheel, wheel.name.split('-')[1])


def _files(folder: Path, name: str) -> dict[str, bytes | None]:
    """Every file below a folder, as it is called below `name`, but what Python left there."""
    found = (path for path in folder.rglob('*') if path.is_file() and '__pycache__' not in path.parts)
    return {f'{name}/{path.relative_to(folder).as_posix()}': path.read_bytes() for path in found}


def _same(archive: Path, found: dict[str, bytes], expected: dict[str, bytes | None]) -> None:
    if lacking := sorted(expected.keys() - found):
        raise PackageError(f'{archive.name} lacks {", ".join(lacking)}')
    if foreign := sorted(found.keys() - expected):
        raise PackageError(f'{archive.name} has {", ".join(foreign)}, too')
    if changed := sorted(name for name, data in expected.items() if data is not None and data != found[name]):
        raise PackageError(f'{archive.name} has another {", ".join(changed)}')
