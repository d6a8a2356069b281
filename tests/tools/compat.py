"""The core of the suite on old and new releases of what the tap stands on: `make compat`.

Each set of releases has an environment of its own, below `.compat`, which is kept for the next time.
"""

from __future__ import annotations

import subprocess
import sys
import venv
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPAT = ROOT / '.compat'

CORE = (
    'product/test_upstream_contract.py',
    'unit/doors/test_handler_and_capability.py',
    'unit/doors/handler/test_beside.py',
    'unit/doors/watch/test_watched_events.py',
    'unit/doors/watch/test_lifetime.py',
    'unit/doors/test_tool_round.py',
    'unit/meter/test_response.py',
    'unit/test_tap.py',
    'promises/test_isolation.py',
    'unit/sinks/usage/test_usage.py',
    'unit/sinks/otel/test_spans.py',
    'unit/sinks/prometheus/test_prometheus.py',
    'unit/sinks/prometheus/test_multiprocess.py',
    'unit/sinks/otel/test_metrics.py',
)
"""The test files, below tests/: what depends on what others release."""

OLDEST_SINKS = (
    'prometheus-client==0.20.0',
    'opentelemetry-sdk==1.32.0',
    'opentelemetry-exporter-otlp-proto-http==1.32.0',
    'opentelemetry-exporter-prometheus==0.53b0',
)
NEWEST_SINKS = ('prometheus-client', 'opentelemetry-sdk', 'opentelemetry-exporter-prometheus')
TOOLS = ('pytest', 'pytest-rerunfailures', 'pytest-timeout')


@dataclass(frozen=True)
class Environment:
    """Releases that are tried together.

    Args:
        name: What the environment is called.
        packages: What is installed beside the tap, as pip takes it.
        why: Why just these.
    """

    name: str
    packages: tuple[str, ...]
    why: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return COMPAT / self.name / ('Scripts' if sys.platform == 'win32' else 'bin') / 'python'

    def install(self) -> None:
        """Make it, or bring it up to date.

        Raises:
            subprocess.CalledProcessError: If the releases do not go together.
        """
        if not self.python.exists():
            venv.create(COMPAT / self.name, with_pip=True)
        pip = (self.python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check')
        newest = ('--upgrade', '--upgrade-strategy', 'eager')
        subprocess.run([*pip, *newest, '--editable', f'{ROOT}[otel]', *self.packages, *TOOLS], check=True, cwd=ROOT)

    def version(self, package: str) -> str:
        """The version of a package that it has."""
        ask = f'from importlib.metadata import version; print(version({package!r}))'
        return subprocess.run([self.python, '-c', ask], check=True, capture_output=True, text=True).stdout.strip()

    def test(self) -> Counter[str]:
        """Run the core of the suite; how many tests passed, were skipped, failed."""
        report = COMPAT / f'{self.name}.xml'
        report.unlink(missing_ok=True)
        files = [ROOT / 'tests' / name for name in CORE]
        options = ('-q', '--tb=short', f'--junitxml={report}')
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


# pydantic-ai before 2.23 finds no tokens in OpenAI's answers with a newer genai-prices, and says nothing.
OLD_PRICES = 'genai-prices<0.1'

ENVIRONMENTS = (
    Environment('oldest', ('pydantic-ai-slim[openai]==1.85.1', OLD_PRICES, *OLDEST_SINKS), 'the oldest of everything'),
    Environment('newest', ('pydantic-ai-slim[openai]', *NEWEST_SINKS), 'the newest of everything'),
    Environment(
        'capability', ('pydantic-ai-slim[openai]==2.23.0', *NEWEST_SINKS), 'the first with the capability door'
    ),
    Environment('watch', ('pydantic-ai-slim[openai]==2.26.0', *NEWEST_SINKS), 'the first with the watch door'),
    Environment(
        'sinks', ('pydantic-ai-slim[openai]', *OLDEST_SINKS), 'every test of the sinks on their oldest clients'
    ),
)
SHORT = ENVIRONMENTS[:1]
"""CI installs the newest of everything anyway: there the whole suite is run on it."""


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    return 'failed' if kinds & {'failure', 'error'} else 'skipped' if 'skipped' in kinds else 'passed'


def main() -> int:
    """Try every set of releases, or with the argument `short` the oldest; 1 if a test failed."""
    rows: list[tuple[str, ...]] = []
    failed = False
    for each in SHORT if sys.argv[1:] == ['short'] else ENVIRONMENTS:
        each.install()
        found = each.test()
        failed |= found['failed'] > 0
        versions = map(each.version, ('pydantic-ai-slim', 'prometheus-client', 'opentelemetry-sdk'))
        rows.append((*versions, *(str(found[outcome]) for outcome in ('passed', 'skipped', 'failed')), each.why))
    head = ('pydantic-ai', 'prometheus', 'opentelemetry', 'passed', 'skipped', 'failed', 'why')
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(f'CPython {sys.version.split()[0]}')
    for row in (head, *rows):
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
