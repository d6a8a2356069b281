"""What a report of a fleet costs: `python -m tools.fleet_cost FOLDER --engine duckdb` says its seconds and its memory."""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Report the journals of a folder in a process of its own, and say what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--engine', choices=('python', 'duckdb'), default='duckdb')
    parser.add_argument('--output', type=Path, default=Path('report.html'))
    asked = parser.parse_args()
    journals = f'{asked.folder}/*.jsonl'
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, '-m', 'streamtap', 'report', journals, '--engine', asked.engine, '-o', asked.output],
        check=True,
    )
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f'{seconds:.1f} s, {cpu:.1f} s of CPU, at most {used.ru_maxrss / 1024:,.0f} MiB')


if __name__ == '__main__':
    main()
