"""The bench: prints its tables, and fails if the tap is over its budget per delta."""

from __future__ import annotations

import argparse
import gc
import logging
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.arms import BASE, own_arms
from bench.pairs import cpu
from bench.peers import installed_peers
from bench.report import Results, say, write_into
from bench.scrape import Deployment, loop_lag, per_label_set, scrape_cost
from bench.startup import startup
from bench.streams import grown, handler_alone, is_handler_alone, kept, latency
from bench.workloads import many_runs, many_streams, many_tools, one_stream, real_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.arms import Arm

MOST_PER_DELTA = 0.5
"""Microseconds of the handler's own work, over a no-op handler: the budget."""

TEN_THOUSAND_SERIES = Deployment(agents=5, models=10, tools=10)


def parts(arms: list[Arm], results: Results, *, factor: int) -> dict[str, Callable[[], None]]:
    """What the bench measures, by name; each part adds its findings to the results.

    Args:
        arms: What is compared.
        results: Where the findings go.
        factor: 1 for the short form, more for longer workloads.
    """
    rounds = results.rounds

    def scrape() -> None:
        results.facts['Scrape of 10,000 series'] = scrape_cost(TEN_THOUSAND_SERIES, 2 * rounds)
        results.facts['Event loop beside ten scrapes of them'] = loop_lag(TEN_THOUSAND_SERIES, 10)
        for row in per_label_set():
            each = row.pop('each')
            results.facts[f'Each {each} more'] = {name: float(value) for name, value in row.items()}

    def delta() -> None:
        alone = [arm for arm in arms if is_handler_alone(arm)]
        results.added.extend(cpu(handler_alone(5_000 * factor), alone, rounds))

    def start() -> None:
        results.facts['Start-up, CPU ms'] = startup(rounds)

    return {
        'delta': delta,
        'stream': lambda: results.added.extend(cpu(one_stream(500 * factor), arms, rounds)),
        'runs': lambda: results.added.extend(cpu(many_runs(10 * factor, 2), arms, rounds)),
        'responses': lambda: results.added.extend(cpu(many_runs(factor, 200), arms, rounds)),
        'tools': lambda: results.added.extend(cpu(many_tools(factor), arms, rounds)),
        'streams': lambda: results.added.extend(cpu(many_streams(12 * factor, 10), arms, rounds)),
        'sse': lambda: results.added.extend(cpu(real_stream(factor, 100), arms, rounds)),
        'latency': lambda: results.added.extend(latency(arms, 500 * factor, rounds)),
        'memory': lambda: results.added.extend([*kept(arms, 100, 200 + 100 * factor), *grown(arms, 10_000 * factor)]),
        'scrape': scrape,
        'start': start,
    }


def main() -> int:
    """Measure, print, write; exit 1 if the budget per delta is not kept."""
    parser = argparse.ArgumentParser(prog='python -m bench', description=__doc__)
    parser.add_argument('--full', action='store_true', help='workloads as long as the published ones')
    parser.add_argument('--only', nargs='+', default=[], help='parts to measure')
    parser.add_argument('--rounds', type=int, help='rounds behind each median')
    parser.add_argument('--json', type=Path, help='write the results there')
    parser.add_argument('--page', type=Path, help='write the tables into that page')
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    arms = [*own_arms(), *installed_peers()]
    rounds = options.rounds or (9 if options.full else 3)
    results = Results(shlex.join(['python', '-m', 'bench', *sys.argv[1:]]), rounds)
    measures = parts(arms, results, factor=40 if options.full else 1)
    unknown = sorted(set(options.only) - set(measures))
    if unknown:
        parser.error(f'no part is called {", ".join(unknown)}; there are {", ".join(measures)}')
    # What is there now stays: it need not be searched before each round.
    gc.freeze()
    for name, measure in measures.items():
        if not options.only or name in options.only:
            say(name)
            measure()
    print(results.as_markdown())
    if options.json:
        options.json.write_text(results.as_json(), encoding='utf-8')
    if options.page:
        write_into(options.page, results)
    over = [
        each
        for each in results.added
        if each.measure.startswith('handler alone') and each.unit.startswith('µs') and each.arm.startswith('tap')
        if each.median > MOST_PER_DELTA
    ]
    for each in over:
        say(f'{each.arm}: {each.median:.2f} µs per delta over the {BASE.name}, more than {MOST_PER_DELTA}')
    return 1 if over else 0


if __name__ == '__main__':
    sys.exit(main())
