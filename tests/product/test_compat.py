"""What `make compat` tries: each Python of the machine, with the oldest and the newest releases."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from support.paths import ROOT
from tools import interpreters
from tools.compat import plan
from tools.interpreters import Interpreter

LOCKED = [Interpreter(is_free_threaded=False, version=(3, minor, 0), path=Path('python')) for minor in (10, 12, 14)]
FREE = Interpreter(is_free_threaded=True, version=(3, 13, 0), path=Path('python'))


def planned(*, is_short: bool) -> list[str]:
    return [each.folder.name for each in plan([*LOCKED, FREE], is_short=is_short)]


def test_ci_tries_the_extremes():
    """A Python without the global interpreter lock is none of them: not every dependency has a wheel for it."""
    assert planned(is_short=True) == ['3.10-oldest', '3.14-newest']


def test_everything_is_tried_on_each_python():
    """And what lies between on the newest."""
    assert planned(is_short=False) == [
        *('3.10-oldest', '3.10-newest', '3.12-oldest', '3.12-newest', '3.14-oldest', '3.14-newest'),
        *('3.13t-oldest', '3.13t-newest', '3.14-between', '3.14-sinks'),
    ]


@pytest.mark.skipif(sys.platform == 'win32', reason='the interpreters are shell scripts')
def test_interpreters_are_found_where_people_have_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """On the PATH and in pyenv's folder: those that start, are final, not too old, and the newest of their line."""

    def made(path: str, says: str) -> None:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'#!/bin/sh\n{says}\n')
        file.chmod(0o755)

    made('path/python3.10', """echo '["cpython", [3, 10, 4, "final", 0], false]'""")
    made('path/python3.10-config', """echo '["cpython", [3, 10, 5, "final", 0], false]'""")
    made('path/python3.98', 'exit 127')
    made('path/uv', f'echo {tmp_path}/uv')
    made('uv/one/bin/python3.99t', """echo '["cpython", [3, 99, 1, "final", 0], true]'""")
    made('pyenv/versions/older/bin/python3.99', """echo '["cpython", [3, 99, 0, "final", 0], false]'""")
    made('pyenv/versions/newer/bin/python3.99', """echo '["cpython", [3, 99, 2, "final", 0], false]'""")
    made('pyenv/versions/soon/bin/python3.100', """echo '["cpython", [3, 100, 0, "alpha", 1], false]'""")
    made('pyenv/versions/other/bin/python3.97', """echo '["pypy", [3, 97, 0, "final", 0], false]'""")
    made('pyenv/versions/old/bin/python3.9', """echo '["cpython", [3, 9, 9, "final", 0], false]'""")
    monkeypatch.setenv('PATH', str(tmp_path / 'path'))
    monkeypatch.setenv('PYENV_ROOT', str(tmp_path / 'pyenv'))
    running = '.'.join(map(str, sys.version_info[:3]))
    names = [each.full_name for each in interpreters.found()]
    assert [name for name in names if name != running] == [
        name for name in ('3.10.4', '3.99.2', '3.99.1t') if not running.startswith(name.rpartition('.')[0] + '.')
    ]
    assert running in names


def test_the_oldest_python_is_what_installers_are_told():
    """And the first that the classifiers name."""
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    oldest = '.'.join(map(str, interpreters.OLDEST))
    assert re.findall(r"requires-python = '>=([\d.]+)'", project) == [oldest]
    assert re.findall(r'Python :: (3\.\d+)', project)[0] == oldest
