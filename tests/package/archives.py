"""The sdist, the wheel that is built from it, and what is in them: what git knows, and nothing else."""

from __future__ import annotations

import email
import subprocess
import tarfile
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from readme_on_an_index import on_an_index

from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.generated import generated
from support.extras import EXTRAS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LEFT_OUT = {'.ci/run', '.pre-commit-config.yaml'}
"""What git knows and the sdist does not need."""


_COPIED = 'streamtap/_dashboards/files/'


class PackageError(Exception):
    """What would be released is not what it must be."""


@dataclass(frozen=True)
class Archives:
    """What would be released.

    Args:
        sdist: The source distribution.
        wheel: The wheel.
    """

    sdist: Path
    wheel: Path

    def check(self, known: Mapping[str, bytes]) -> None:
        """Compare both with the files of the repository.

        Args:
            known: The bytes of each file that belongs to the project, by its path.

        Raises:
            PackageError: If something is missing, too much or wrong.
        """
        with tarfile.open(self.sdist) as sdist:
            packed = {file.name.partition('/')[2]: sdist.extractfile(file) for file in sdist if not file.isdir()}
            found = {name: None if file is None else file.read() for name, file in packed.items()}
        in_sdist = {name: data for name, data in known.items() if name not in LEFT_OUT}
        _same(self.sdist, found, {**in_sdist, 'PKG-INFO': None})
        with zipfile.ZipFile(self.wheel) as wheel:
            _same(self.wheel, {name: wheel.read(name) for name in wheel.namelist()}, self._in_wheel(known))
            self._check_metadata(wheel.read(f'{self._info}/METADATA').decode(), known)

    @property
    def version(self) -> str:
        """The version of both."""
        return self.wheel.name.split('-')[1]

    @property
    def _info(self) -> str:
        return f'streamtap-{self.version}.dist-info'

    def _in_wheel(self, known: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Every file of it, with its bytes where they are the repository's."""
        places = {'src/': '', 'dashboards/': _COPIED}
        # An export writes these; the rest of it is copied.
        written = {f'dashboards/{path}' for path in generated(CONFIG)}
        return {
            **{
                place + name.removeprefix(folder): data
                for folder, place in places.items()
                for name, data in known.items()
                if name.startswith(folder) and name not in written
            },
            f'{_COPIED}runbooks.md': known['docs/runbooks.md'],
            f'{self._info}/licenses/LICENSE': known['LICENSE'],
            **dict.fromkeys(f'{self._info}/{name}' for name in ('METADATA', 'WHEEL', 'RECORD', 'entry_points.txt')),
        }

    def _check_metadata(self, text: str, known: Mapping[str, bytes]) -> None:
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
            'readme': on_an_index(known['README.md'].decode(), None).strip(),
        }
        if wrong := [name for name, value in expected.items() if found[name] != value]:
            raise PackageError(f'the metadata of {self.wheel.name} has another {", ".join(wrong)}')
        if lacking := EXTRAS - set(metadata.get_all('Provides-Extra', ())):
            raise PackageError(f'{self.wheel.name} has no extra {", ".join(sorted(lacking))}')


def files_of_git(root: Path) -> dict[str, bytes]:
    """The bytes of each file below a folder that git knows, as it is now, by its path.

    Args:
        root: The folder of a checkout.

    Raises:
        PackageError: If it is no checkout: nothing says then what belongs to the project.
    """
    # A checkout that another user made is one, too: nothing of it is run.
    listed = ('git', '-c', f'safe.directory={root.resolve()}', 'ls-files', '-z')
    git = subprocess.run(listed, cwd=root, check=False, capture_output=True, text=True)
    if git.returncode != 0:
        raise PackageError(f'{root} is no checkout of git, which knows what is released')
    return {name: (root / name).read_bytes() for name in git.stdout.split('\0') if name}


def build(root: Path, to: Path, python: Path) -> Archives:
    """Make the sdist, and from it the wheel.

    Args:
        root: The folder of the project.
        to: An empty folder, for both.
        python: A Python that has the build backend and pip; nothing else is installed or downloaded.

    Raises:
        subprocess.CalledProcessError: If one cannot be built.
    """
    hatchling = (python, '-m', 'hatchling', 'build', '--target', 'sdist', '--directory', to)
    subprocess.run(hatchling, cwd=root, check=True, stdout=subprocess.DEVNULL)
    (sdist,) = to.glob('*.tar.gz')
    alone = ('--no-deps', '--no-index', '--no-build-isolation')
    pip = (python, '-m', 'pip', 'wheel', '--quiet', '--disable-pip-version-check', *alone)
    subprocess.run((*pip, '--wheel-dir', to, sdist), check=True)
    (wheel,) = to.glob('*.whl')
    return Archives(sdist, wheel)


def _same(archive: Path, found: Mapping[str, bytes | None], expected: Mapping[str, bytes | None]) -> None:
    if lacking := sorted(expected.keys() - found):
        raise PackageError(f'{archive.name} lacks {", ".join(lacking)}')
    if foreign := sorted(found.keys() - expected):
        raise PackageError(f'{archive.name} has {", ".join(foreign)}, too, which git does not know')
    if changed := sorted(name for name, data in expected.items() if data is not None and data != found[name]):
        raise PackageError(f'{archive.name} has another {", ".join(changed)}')
