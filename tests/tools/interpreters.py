"""The interpreters of this machine that streamtap can run on, wherever people usually have them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST = (3, 10)
"""As `requires-python` in pyproject.toml says."""

_NAME = re.compile(r'python3\.\d+t?(\.exe)?')
_ASK = (
    'import json, sys, sysconfig; print(json.dumps([sys.implementation.name, sys.version_info, '
    'bool(sysconfig.get_config_var("Py_GIL_DISABLED"))]))'
)


@dataclass(frozen=True, order=True)
class Interpreter:
    """A CPython.

    Args:
        is_free_threaded: Whether it was built without the global interpreter lock.
        version: Its version, three numbers.
        path: Where it is.
    """

    is_free_threaded: bool
    version: tuple[int, int, int]
    path: Path

    @property
    def name(self) -> str:
        """Which line it is: `3.13`, or `3.13t` if it is free-threaded."""
        return f'{self.version[0]}.{self.version[1]}{"t" * self.is_free_threaded}'

    @property
    def full_name(self) -> str:
        """Its version, likewise: `3.13.0`."""
        return '.'.join(map(str, self.version)) + 't' * self.is_free_threaded


def found() -> list[Interpreter]:
    """The newest of each line that is on the PATH, in pyenv's folder or in uv's, and the running one.

    Oldest first, those without the global interpreter lock after all others.
    """
    running = _asked(Path(sys.executable))
    lines: dict[str, Interpreter] = {}
    for each in sorted({each for path in _candidates() if (each := _asked(path)) is not None}):
        lines[each.name] = each
    if running is not None:
        lines[running.name] = running
    return sorted(each for each in lines.values() if each.version[:2] >= OLDEST)


def _candidates() -> Iterator[Path]:
    for folder in os.environ.get('PATH', '').split(os.pathsep):
        if Path(folder).is_dir():
            yield from (path for path in Path(folder).iterdir() if _NAME.fullmatch(path.name))
    pyenv = Path(os.environ.get('PYENV_ROOT') or Path.home() / '.pyenv')
    for versions in (pyenv / 'versions', *_of_uv()):
        yield from (path for path in versions.glob('*/bin/python3*') if _NAME.fullmatch(path.name))


def _of_uv() -> tuple[Path, ...]:
    if (uv := shutil.which('uv')) is None:
        return ()
    told = subprocess.run([uv, 'python', 'dir'], capture_output=True, text=True, check=False)
    return (Path(told.stdout.strip()),) if told.returncode == 0 else ()


def _asked(path: Path) -> Interpreter | None:
    """What an interpreter says about itself; `None` if it is no final CPython, or does not start, like a shim of pyenv's."""
    try:
        told = subprocess.run([path, '-c', _ASK], capture_output=True, text=True, check=True, timeout=30).stdout
        implementation, (*version, level, _), is_free_threaded = json.loads(told)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    is_known = implementation == 'cpython' and level == 'final'
    return Interpreter(is_free_threaded, (version[0], version[1], version[2]), path) if is_known else None
