"""`python -m soak`: prints the verdict, and exits with 1 if anything is not as it must be."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from pathlib import Path

from soak.attack import attack
from soak.faults import faults
from soak.judge import table

PARTS = {'faults': faults, 'names': attack}


def main() -> int:
    """Run what was asked for, and print its verdict."""
    parser = argparse.ArgumentParser(prog='python -m soak', description=__doc__)
    parser.add_argument('--runs', type=int, default=100_000, help='runs of each part')
    parser.add_argument('--concurrent', type=int, default=2000, help='runs that go on at once')
    parser.add_argument('--seed', default='', help='what chance begins from; by default the time')
    parser.add_argument('--part', choices=tuple(PARTS), action='append', help='only this part')
    parser.add_argument('--short', action='store_true', help='800 runs of each part, 200 at once')
    parser.add_argument('--json', type=Path, help='a file to write the figures to')
    options = parser.parse_args()
    seed = options.seed or str(int(time.time()))
    runs, concurrent = (800, 200) if options.short else (options.runs, options.concurrent)
    # What a handler of run_stream() cannot see is said once by each tap.
    logging.getLogger('streamtap').addFilter(lambda record: 'run_stream()' not in record.getMessage())
    threads = threading.active_count()
    figures: list[dict[str, object]] = []
    differing: list[str] = []
    for title in options.part or PARTS:
        started, worked = time.monotonic(), time.process_time()
        rows = PARTS[title](seed, runs, concurrent)
        seconds, cpu = time.monotonic() - started, time.process_time() - worked
        print(f'## {title}: {runs:,} runs, seed {seed}, {seconds:,.0f} s, {cpu / runs * 1e3:.2f} ms of CPU a run\n')
        print(table(rows), end='\n\n', flush=True)
        differing += [f'{title}: {row.what}' for row in rows if row.faults]
        figures.append({'part': title, 'seconds': seconds, 'cpu_seconds': cpu, 'rows': [row.as_json() for row in rows]})
    left = threading.active_count() - threads
    differing += ['threads'] * bool(left)
    if options.json is not None:
        options.json.write_text(json.dumps({'seed': seed, 'runs': runs, 'parts': figures}, indent=2), encoding='utf-8')
    print(
        f'{left} threads left; '
        + ('everything is exactly equal' if not differing else f'DIFFERS: {", ".join(differing)}')
    )
    return 1 if differing else 0


if __name__ == '__main__':
    sys.exit(main())
