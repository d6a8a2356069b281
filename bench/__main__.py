"""The bench: prints its tables, and fails if the tap takes much more of a delta than it should."""

from __future__ import annotations

import argparse
import gc
import logging
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.arms import BASE, naive, own_arms
from bench.own_work import own_work
from bench.pairs import cpu
from bench.peers import installed_peers
from bench.report import Results, add_to, say, write_into
from bench.scrape import Deployment, loop_lag, native_memory, per_label_set, scrape_cost
from bench.startup import startup
from bench.streams import grown, handler_alone, is_handler_alone, kept, latency
from bench.workloads import many_runs, many_streams, many_tools, one_stream, real_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.arms import Arm
    from bench.workloads import Workload

MOST_PER_DELTA = 0.25
"""The share of what the naive handler takes: 0.5 of the 4 microseconds that it takes on a machine at rest is 0.12."""

TEN_THOUSAND_SERIES = Deployment(agents=5, models=10, tools=10)
LARGE_PROCESS = Deployment(agents=20, models=5, tools=20)


def parts(arms: list[Arm], *, scale: int) -> dict[str, Callable[[Results], None]]:
    """What the bench measures, by name; each part adds its findings to the results it is given.

    Args:
        arms: What is compared.
        scale: How much longer than the shortest the workloads are.
    """

    def delta(results: Results) -> None:
        alone = [arm for arm in arms if is_handler_alone(arm)]
        results.added.extend(cpu(handler_alone(5_000 * scale), alone, results.rounds))

    def work(results: Results) -> None:
        alone = [arm for arm in arms if is_handler_alone(arm)]
        results.added.extend(own_work(alone, 20 * scale, results.rounds))

    def memory(results: Results) -> None:
        results.added.extend(kept(arms, 100, 200 + 100 * scale))
        results.added.extend(grown(arms, 100_000))

    def scrape(results: Results) -> None:
        results.facts['Scrape of 10,000 series'] = scrape_cost(TEN_THOUSAND_SERIES, 2 * results.rounds)
        results.facts['Scrape of 20 agents with 5 models and 20 tools each'] = scrape_cost(
            LARGE_PROCESS, results.rounds
        )
        results.facts['10,000 native histograms'] = native_memory(10_000)
        results.facts['Event loop beside ten scrapes of them'] = loop_lag(TEN_THOUSAND_SERIES, 10)

    def series(results: Results) -> None:
        results.facts.update(per_label_set())

    def start(results: Results) -> None:
        results.facts['Start-up, CPU ms'] = startup(results.rounds)

    def of(workload: Workload) -> Callable[[Results], None]:
        return lambda results: results.added.extend(cpu(workload, arms, results.rounds))

    return {
        'delta': delta,
        'work': work,
        'stream': of(one_stream(500 * scale)),
        'runs': of(many_runs(10 * scale, 2)),
        'responses': of(many_runs(scale, 200)),
        'tools': of(many_tools(scale, 8)),
        'calls': of(many_tools(scale, 1)),
        'streams': of(many_streams(12 * scale, 10)),
        'sse': of(real_stream(scale, 100)),
        'latency': lambda results: results.added.extend(latency(arms, 500 * scale, results.rounds)),
        'memory': memory,
        'scrape': scrape,
        'series': series,
        'start': start,
    }


def main() -> int:
    """Measure, print, write; exit 1 if a delta takes far more than its budget, whatever the machine."""
    parser = argparse.ArgumentParser(prog='python -m bench', description=__doc__)
    parser.add_argument('--scale', type=int, default=1, help='how long the workloads are; 40 is 20,000 deltas')
    parser.add_argument('--rounds', type=int, default=3, help='rounds behind each median')
    parser.add_argument('--only', nargs='+', default=[], help='parts to measure')
    parser.add_argument('--arms', nargs='+', default=[''], help='words in the names of the arms to compare')
    parser.add_argument('--json', type=Path, help='add the results to that file')
    parser.add_argument('--page', type=Path, help='write the tables into that page')
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    arms = [
        BASE,
        *(arm for arm in [*own_arms()[1:], *installed_peers()] if any(word in arm.name for word in options.arms)),
    ]
    measures = parts(arms, scale=options.scale)
    unknown = sorted(set(options.only) - set(measures))
    if unknown:
        parser.error(f'no part is called {", ".join(unknown)}; there are {", ".join(measures)}')
    # What is there now stays: it need not be searched before each round.
    gc.freeze()
    command = f'python -m bench --scale {options.scale} --rounds {options.rounds}'
    if any(options.arms):
        command += f' --arms {shlex.join(options.arms)}'
    is_over = False
    for name in options.only or measures:
        say(name)
        results = Results(f'{command} --only {name}', options.rounds)
        measures[name](results)
        print(results.as_markdown(), flush=True)
        if options.json:
            add_to(options.json, name, results)
        if options.page:
            write_into(options.page, name, results)
        is_over |= name == 'delta' and over_budget(results)
    return 1 if is_over else 0


def over_budget(results: Results) -> bool:
    """Whether the tap takes more per delta than it may, beside the naive handler of the same run; says so."""
    most = MOST_PER_DELTA * min((each.median for each in results.added if each.arm == naive().name), default=math.inf)
    over = [each for each in results.added if each.arm.startswith('tap') and each.median > most]
    for each in over:
        say(f'{each.arm}: {each.median:.2f} µs per delta over the {BASE.name}, more than {most:.2f}')
    return bool(over)


if __name__ == '__main__':
    sys.exit(main())
