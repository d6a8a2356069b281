"""The files that say, with hashes, what builds the package and what the demo's image is made of: `make locks`.

Users of the package get ranges of versions, as they have to share them with others.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.paths import ROOT

HEAD = '# Written by `make locks`: the newest versions, and the hash of each of their files.\n'


@dataclass(frozen=True)
class Lock:
    """A file of requirements with hashes.

    Args:
        path: Where it is, below the project.
        python: The oldest Python that it is for.
        extras: The extras of the project that it is for; `None` for the build backend alone.
    """

    path: str
    python: str
    extras: tuple[str, ...] | None = None

    def write(self) -> None:
        """Choose the newest versions, and write them.

        Raises:
            subprocess.CalledProcessError: If the requirements contradict each other, or the index cannot be reached.
        """
        project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
        if self.extras is None:
            (backend,) = re.findall(r"^requires = \['(.+)'\]$", project, re.MULTILINE)
            wanted, given = ('-',), f'{backend}\n'
        else:
            wanted, given = ('pyproject.toml', *(f'--extra={extra}' for extra in self.extras)), ''
        # Neither the index nor a folder of this machine gets into the file.
        quiet = ('--quiet', '--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-find-links')
        uv = (Path(sys.executable).parent / 'uv', 'pip', 'compile', '--universal', '--generate-hashes', '--upgrade')
        version = ('--no-python-downloads', f'--python-version={self.python}')
        done = subprocess.run(
            (*uv, *quiet, *version, *wanted), cwd=ROOT, input=given, text=True, check=True, stdout=subprocess.PIPE
        )
        (ROOT / self.path).write_text(HEAD + done.stdout, encoding='utf-8')


LOCKS = (
    Lock('locks/build.txt', python='3.10'),
    Lock('dashboards/compose/demo/requirements.txt', python='3.13', extras=('demo', 'otel')),
)


if __name__ == '__main__':
    for each in LOCKS:
        each.write()
        print(each.path)
