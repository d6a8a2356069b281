"""How often the gate of `streamtap report` fails a build for nothing, and how often it sees a change: `make gate-rates`.

Journals are random (`support/random_journals.py`). What is counted are builds: a build fails if one of its verdicts does.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._report.owners import owners_by
from support.random_journals import Work, budgets_fail, comparison_fails, samples

if TYPE_CHECKING:
    from collections.abc import Iterator

NIGHTS = 30

WORKS = {
    '6 runs': Work(runs=6),
    '15 runs': Work(runs=15),
    '40 runs': Work(runs=40),
    '150 runs': Work(runs=150),
    '40 runs, times that differ tenfold from run to run': Work(runs=40, alike=1.0),
    '10 such runs of up to 12 tool calls': Work(runs=10, alike=1.0, calls=12),
    '40 such runs of up to 12 tool calls': Work(runs=40, alike=1.0, calls=12),
    '40 runs, tools that fail in bunches': Work(runs=40, calls=12, bad=0.1),
}

SIZES = (50, 150, 500)
SLOWER = (1.1, 1.25, 1.5, 2.0, 3.0)

HEADLINES = owners_by(['all'])


def for_nothing(work: Work, pairs: int) -> tuple[int, int, int]:
    """How many builds fail though nothing changed: by a comparison, by budgets at the limit, and by such with room."""
    budgets = work.budgets()
    roomy = [replace(budget, limit=1.2 * budget.limit) for budget in budgets]
    failed = [0, 0, 0]
    for pair in range(pairs):
        before, after = samples(work, 2 * pair), samples(work, 2 * pair + 1)
        failed[0] += comparison_fails(before, after)
        failed[1] += budgets_fail(budgets, after)
        failed[2] += budgets_fail(roomy, after)
    return failed[0], failed[1], failed[2]


def seen(work: Work, slower: float, pairs: int) -> float:
    """The share of builds that fail, by their headlines, where all takes that much longer."""
    changed, failed = replace(work, slower=slower), 0
    for pair in range(pairs):
        failed += comparison_fails(samples(work, 2 * pair, HEADLINES), samples(changed, 2 * pair + 1, HEADLINES))
    return failed / pairs


def month(work: Work, seeds: Iterator[int], comparisons: int) -> tuple[int, int]:
    """How many builds of a month fail though nothing changed: each beside the first night, and beside the one before."""
    fixed = before = 0
    for _ in range(comparisons):
        first, *nights = (samples(work, next(seeds)) for _ in range(NIGHTS + 1))
        fixed += sum(comparison_fails(first, night) for night in nights)
        before += sum(map(comparison_fails, [first, *nights[:-1]], nights))
    return fixed, before


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--pairs', type=int, default=500, help='of each kind of work (default: %(default)s)')
    parser.add_argument('--seen', type=int, default=40, help='of each size and change (default: %(default)s)')
    parser.add_argument('--months', type=int, default=4, help=f'of {NIGHTS} nights (default: %(default)s)')
    parser.add_argument('--comparisons', type=int, default=4, help='of each night (default: %(default)s)')
    arguments = parser.parse_args()
    print('failed for nothing: work, builds, by a comparison, by budgets at the limit, by budgets with a fifth of room')
    for name, work in WORKS.items():
        print(f'  {name}:', arguments.pairs, *for_nothing(work, arguments.pairs), flush=True)
    print('seen by the headlines: runs on each side, and the share of builds that fail where all takes longer')
    for runs in SIZES:
        rates = (f'{slower:g} times {seen(Work(runs=runs), slower, arguments.seen):.0%}' for slower in SLOWER)
        print(f'  {runs}:', *rates, flush=True)
    seeds = itertools.count(10_000_000)
    failed = [month(WORKS['40 runs'], seeds, arguments.comparisons) for _ in range(arguments.months)]
    fixed, before = (sum(column) for column in zip(*failed, strict=True))
    builds = len(failed) * NIGHTS * arguments.comparisons
    print(
        f'{len(failed)} months of {NIGHTS} nights, {arguments.comparisons} comparisons each: of {builds} builds failed'
    )
    print(f'  beside the first night {fixed}, beside the night before {before}')


if __name__ == '__main__':
    main()
