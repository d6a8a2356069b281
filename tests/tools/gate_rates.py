"""How often the gate of `streamtap report` fails a build for nothing, and how often it sees a change: `make gate-rates`.

Journals are random (`support/random_journals.py`). What is counted are builds: a build fails if one of its verdicts does.
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from streamtap._report.budget_verdicts import judge
from streamtap._report.budgets import parse_budget
from streamtap._report.compare import LEAST, compare
from streamtap._report.findings import gate_of_budgets, gate_of_changes
from streamtap._report.owners import ALL, owners_by, owners_of
from streamtap._report.samples import Samples
from streamtap._report.statistics import quantile, share
from support.random_journals import Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._report.budgets import Budget
    from streamtap._report.owners import Owners

NIGHTS = 30

WORKS = {
    'few runs': Work(runs=15),
    'some runs': Work(runs=40),
    'many runs': Work(runs=150),
    'times that differ tenfold from run to run': Work(runs=40, alike=1.0),
    'the same, of up to 12 tool calls each': Work(runs=40, alike=1.0, calls=12),
    'tools that fail in bunches': Work(runs=40, calls=12, bad=0.1),
}

SIZES = (50, 150, 500)
SLOWER = (1.1, 1.25, 1.5, 2.0, 3.0)

LIMITED = (
    'blank_screen.p95 <= 1s',
    'run_duration.p50 <= 1s',
    'cost_per_run.p95 <= $1',
    'first_token.p95 <= 1s',
    'tool_duration.p50 <= 1s',
    'failed <= 1%',
    'failed_tools <= 1%',
)
"""The budgets, with other limits."""


HEADLINES = owners_by(['all'])


def samples(work: Work, seed: int, owners: Owners = owners_of) -> Samples:
    """The values of such a journal."""
    found = Samples(owners)
    for record in work.journal(seed):
        found.add(record)
    return found


def fails(before: Samples, after: Samples) -> bool:
    """Whether a comparison of two journals fails a build."""
    return not gate_of_changes(compare(before, after), LEAST, strict=False).passed


def misses(budgets: Sequence[Budget], found: Samples) -> bool:
    """Whether budgets fail a build."""
    return not gate_of_budgets(judge(budgets, found, ALL[:1]), strict=False).passed


def budgets_at_the_limit(work: Work, runs: int) -> list[Budget]:
    """Budgets that the work keeps, but only just: their limits are its own figures, known from so many runs."""
    found = samples(replace(work, runs=runs), -1, HEADLINES)
    made: list[Budget] = []
    for text in LIMITED:
        budget = parse_budget(text)
        values = found.sample(budget.quantity, *ALL).values
        known = share(values) if budget.q is None else quantile(values, budget.q)
        assert known is not None
        made.append(replace(budget, limit=known.value))
    return made


def for_nothing(work: Work, pairs: int) -> tuple[int, int, int]:
    """How many builds fail though nothing changed: by a comparison, by budgets at the limit, and by such with room."""
    budgets = budgets_at_the_limit(work, 20_000)
    roomy = [replace(budget, limit=1.2 * budget.limit) for budget in budgets]
    failed = [0, 0, 0]
    for pair in range(pairs):
        before, after = samples(work, 2 * pair), samples(work, 2 * pair + 1)
        failed[0] += fails(before, after)
        failed[1] += misses(budgets, after)
        failed[2] += misses(roomy, after)
    return failed[0], failed[1], failed[2]


def seen(work: Work, slower: float, pairs: int) -> float:
    """The share of builds that fail, by their headlines, where all takes that much longer."""
    changed = replace(work, slower=slower)
    return (
        sum(
            fails(samples(work, 2 * pair, HEADLINES), samples(changed, 2 * pair + 1, HEADLINES))
            for pair in range(pairs)
        )
        / pairs
    )


def month(work: Work, seeds: Iterator[int], comparisons: int) -> tuple[int, int]:
    """How many builds of a month fail though nothing changed: each beside the first night, and beside the one before."""
    fixed = before = 0
    for _ in range(comparisons):
        first, *nights = (samples(work, next(seeds)) for _ in range(NIGHTS + 1))
        fixed += sum(fails(first, night) for night in nights)
        before += sum(map(fails, [first, *nights[:-1]], nights))
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
    failed = [month(WORKS['some runs'], seeds, arguments.comparisons) for _ in range(arguments.months)]
    fixed, before = (sum(column) for column in zip(*failed, strict=True))
    builds = len(failed) * NIGHTS * arguments.comparisons
    print(
        f'{len(failed)} months of {NIGHTS} nights, {arguments.comparisons} comparisons each: of {builds} builds failed'
    )
    print(f'  beside the first night {fixed}, beside the night before {before}')


if __name__ == '__main__':
    main()
