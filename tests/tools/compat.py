"""The core of the suite on old and new Pythons, and on old and new releases of what the tap stands on: `make compat`.

Each has an environment of its own, below `.compat`, which is kept for the next time.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.paths import ROOT
from tools import interpreters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.interpreters import Interpreter

COMPAT = ROOT / '.compat'

CORE = (
    'product/test_upstream_contract.py',
    'unit/install/test_install.py',
    'unit/install/test_spec.py',
    'unit/doors/test_handler_and_capability.py',
    'unit/doors/handler/test_beside.py',
    'unit/doors/watch/test_watched_events.py',
    'unit/doors/watch/test_lifetime.py',
    'unit/doors/test_tool_round.py',
    'unit/meter/test_response.py',
    'unit/test_tap.py',
    'promises/test_isolation.py',
    'promises/test_outages.py',
    'promises/test_stopped_in_a_called_run.py',
    'unit/sinks/usage/test_usage.py',
    'unit/sinks/otel/test_spans.py',
    'unit/sinks/prometheus/test_prometheus.py',
    'unit/sinks/prometheus/test_multiprocess.py',
    'unit/sinks/otel/test_metrics.py',
    'unit/evals/test_eval_sink.py',
    'unit/evals/test_evaluators.py',
)
"""The test files, below tests/: what depends on what others release."""

OLDEST_SINKS = (
    'prometheus-client==0.20.0',
    'opentelemetry-sdk==1.32.0',
    'opentelemetry-exporter-otlp-proto-http==1.32.0',
    'opentelemetry-exporter-prometheus==0.53b0',
)
NEWEST_SINKS = ('prometheus-client', 'opentelemetry-sdk', 'opentelemetry-exporter-prometheus')
TOOLS = ('pytest', 'pytest-rerunfailures', 'pytest-timeout', 'pytest-xdist', 'pyyaml')


@dataclass(frozen=True)
class Releases:
    """Releases that are tried together.

    Args:
        name: What they are called.
        packages: What is installed beside the tap, as pip takes it.
        why: Why just these.
    """

    name: str
    packages: tuple[str, ...]
    why: str


OLDEST = Releases(
    'oldest',
    ('pydantic-ai-slim[openai]==2.26.0', 'pydantic-evals==2.26.0', *OLDEST_SINKS),
    'the oldest of everything',
)
NEWEST = Releases('newest', ('pydantic-ai-slim[openai]', *NEWEST_SINKS), 'the newest of everything')
BETWEEN = Releases(
    'between', ('pydantic-ai-slim[openai]==2.63.0', *NEWEST_SINKS), 'the last without hooks for each attempt'
)
SINKS = Releases(
    'sinks', ('pydantic-ai-slim[openai]', *OLDEST_SINKS), 'every test of the sinks on their oldest clients'
)


@dataclass(frozen=True)
class Environment:
    """A Python with some releases.

    Args:
        interpreter: The Python.
        releases: The releases.
    """

    interpreter: Interpreter
    releases: Releases

    @property
    def folder(self) -> Path:
        """Where it is."""
        return COMPAT / f'{self.interpreter.name}-{self.releases.name}'

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ('Scripts' if sys.platform == 'win32' else 'bin') / 'python'

    def install(self) -> None:
        """Make it, or bring it up to date.

        Raises:
            subprocess.CalledProcessError: If the releases do not go together.
        """
        if not self.python.exists():
            subprocess.run([self.interpreter.path, '-m', 'venv', self.folder], check=True)
        pip = (self.python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check')
        newest = ('--upgrade', '--upgrade-strategy', 'eager')
        packages = (f'{ROOT}[otel]', *self.releases.packages, *TOOLS)
        subprocess.run([*pip, *newest, '--editable', *packages], check=True, cwd=ROOT)

    def version(self, package: str) -> str:
        """The version of a package that it has."""
        ask = f'from importlib.metadata import version; print(version({package!r}))'
        return subprocess.run([self.python, '-c', ask], check=True, capture_output=True, text=True).stdout.strip()

    def test(self) -> Counter[str]:
        """Run the core of the suite; how many tests passed, were skipped, failed."""
        report = self.folder / 'report.xml'
        report.unlink(missing_ok=True)
        files = [ROOT / 'tests' / name for name in CORE]
        options = ('-q', '--tb=short', '--numprocesses=auto', f'--junitxml={report}')
        ran = subprocess.run(
            [self.python, '-m', 'pytest', *options, *files],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        found = Counter(map(_outcome, ET.parse(report).iter('testcase') if report.exists() else ()))
        if ran.returncode:
            found['failed'] = max(found['failed'], 1)
            print(ran.stdout[-20_000:], ran.stderr[-5_000:])
        return found


def plan(found: Sequence[Interpreter], *, is_short: bool) -> list[Environment]:
    """What is tried.

    Args:
        found: The interpreters of this machine, oldest first.
        is_short: Whether only the oldest of everything on the oldest Python, and the newest on the newest.
    """
    with_lock = [each for each in found if not each.is_free_threaded]
    oldest, newest = with_lock[0], with_lock[-1]
    if is_short:
        return [Environment(oldest, OLDEST), Environment(newest, NEWEST)]
    each = [Environment(interpreter, releases) for interpreter in found for releases in (OLDEST, NEWEST)]
    return [*each, Environment(newest, BETWEEN), Environment(newest, SINKS)]


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    return 'failed' if kinds & {'failure', 'error'} else 'skipped' if 'skipped' in kinds else 'passed'


def main() -> int:
    """Try them, or with the argument `short` two of them; 1 if a test failed, or an environment cannot be made."""
    head = ('python', 'pydantic-ai', 'prometheus', 'opentelemetry', 'passed', 'skipped', 'failed', 'seconds', 'why')
    rows: list[tuple[str, ...]] = [head]
    failed = False
    for each in plan(interpreters.found(), is_short=sys.argv[1:] == ['short']):
        began = time.monotonic()
        try:
            each.install()
            found = each.test()
            versions = tuple(map(each.version, ('pydantic-ai-slim', 'prometheus-client', 'opentelemetry-sdk')))
        except subprocess.CalledProcessError as error:
            found, versions = Counter({'failed': 1}), ('-', '-', '-')
            print(error)
        failed |= found['failed'] > 0
        counts = (str(found[outcome]) for outcome in ('passed', 'skipped', 'failed'))
        seconds = f'{time.monotonic() - began:.0f}'
        rows.append((each.interpreter.full_name, *versions, *counts, seconds, each.releases.why))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
