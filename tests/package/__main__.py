"""Builds the sdist and the wheel, checks what is in them, and tries the wheel where nothing else is installed.

They are built with the tools of `locks/build.txt` alone, each of which has the hash that it had when it was chosen.
Each environment has the wheel with one extra or with none, and what that needs; its smoke test sees nothing of the
checkout, and takes warnings as errors.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path

from package.archives import PackageError, build, files_of_git
from support.paths import ROOT

HERE = Path(__file__).parent
DIST = ROOT / 'dist'


@dataclass(frozen=True)
class Environment:
    """Where the wheel is tried.

    Args:
        name: The extra; `bare` for none.
        what: What its smoke test does, for people.
    """

    name: str
    what: str

    def test(self, wheel: Path, folder: Path) -> tuple[int, bool]:
        """Install the wheel into a new environment and run its smoke test.

        Args:
            wheel: The wheel.
            folder: Where the environment and what the test writes may be.

        Returns:
            How many packages were installed, and whether all is as it must be.

        Raises:
            subprocess.CalledProcessError: If it cannot be installed.
        """
        home = folder / self.name
        bin_ = _environment(home)
        pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '--python', str(bin_ / 'python')]
        extra = '' if self.name == 'bare' else f'[{self.name}]'
        subprocess.run([*pip, 'install', '--quiet', '--no-compile', f'{wheel}{extra}'], check=True)
        listed = subprocess.run([*pip, 'list', '--format=freeze'], check=True, capture_output=True, text=True).stdout
        # Nothing of this process: neither its paths nor its telemetry's settings.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('PYTHON', 'OTEL_'))}
        env = {**kept, 'PATH': f'{bin_}{os.pathsep}{kept["PATH"]}', 'PYTHONWARNINGS': 'error'}
        smoke = [bin_ / 'python', '-I', '-W', 'error', HERE / f'smoke_{self.name}.py']
        done = subprocess.run(smoke, check=False, env=env, cwd=home, timeout=120)
        return len(listed.splitlines()), done.returncode == 0


ENVIRONMENTS = (
    Environment('bare', 'three doors, every sink, /metrics and the live view, report, boards, what needs an extra'),
    Environment('rich', 'the tables of the report and the live display of the progress'),
    Environment('fleet', "a journal's report by DuckDB"),
    Environment('otel', "a run's spans and metrics by OpenTelemetry's SDK"),
    Environment('auto', 'the same by opentelemetry-instrument, without a line of code'),
    Environment('logfire', 'the same by logfire.configure() alone'),
    Environment('evals', 'a dataset whose cases have limits, read from YAML'),
    Environment('demo', 'the demo, for three seconds'),
)


def builder(folder: Path) -> Path:
    """The Python of a new environment that has what builds the archives, checked against its hashes, and nothing else.

    Args:
        folder: Where the environment may be.

    Raises:
        subprocess.CalledProcessError: If something has another hash, or is not to be had.
    """
    python = _environment(folder, with_pip=True) / 'python'
    locked = ('--require-hashes', '--only-binary=:all:', '--requirement', ROOT / 'locks' / 'build.txt')
    subprocess.run((python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', *locked), check=True)
    return python


def _environment(home: Path, *, with_pip: bool = False) -> Path:
    """Make an environment, and say where its programs are."""
    venv.create(home, symlinks=os.name != 'nt', with_pip=with_pip)
    return home / ('Scripts' if os.name == 'nt' else 'bin')


def main() -> int:
    """Build, check and try; 1 if something is not as it must be."""
    parser = argparse.ArgumentParser(prog='python -m package', description=__doc__)
    parser.add_argument('--only', action='append', choices=[each.name for each in ENVIRONMENTS], help='only this one')
    only: list[str] | None = parser.parse_args().only
    started = time.monotonic()
    try:
        shutil.rmtree(DIST, ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            archives = build(ROOT, DIST, builder(Path(folder)))
        archives.check(files_of_git(ROOT))
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    rows = [
        ('what', 'packages', 'seconds', 'result', ''),
        (
            'build',
            '',
            f'{time.monotonic() - started:.0f}',
            'ok',
            f'{archives.sdist.name}, and {archives.wheel.name} from it',
        ),
    ]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for each in ENVIRONMENTS:
            if only is None or each.name in only:
                started = time.monotonic()
                packages, is_good = each.test(archives.wheel, Path(folder))
                failed |= not is_good
                seconds, result = f'{time.monotonic() - started:.0f}', 'ok' if is_good else 'FAILED'
                rows.append((each.name, str(packages), seconds, result, each.what))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print('  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return int(failed)


if __name__ == '__main__':
    sys.exit(main())
