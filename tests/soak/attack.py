"""Invented names: a model that invents tools, users who name agents, a provider that names models, on every run."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from soak.faults import LONGEST_RUN
from soak.judge import at_least, at_most, compare, exactly
from soak.ledger import Ledger, series
from soak.loop_agents import LoopAgents
from soak.memory import LONG, MIB, growth, in_use, resident
from soak.plan import INVENTED, Plan, Reply
from soak.recorded import COUNTED, scraped
from soak.run_log import RunLog
from soak.ways import WAYS
from streamtap import PrometheusSink, Tap, UsageSink
from streamtap._sinks.metrics.catalogue import FIXED_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.judge import Row

REAL = ('desk', 'library')
"""The real agents, each with the model of its own name."""

REAL_FIRST = 20
"""Runs of real agents before the attack."""

NEVER_FOLDED = frozenset({'_other', '_unknown', ''})
OUTCOMES = 7
"""Label sets that a tool's or a run's counter starts at 0 together: they count as one."""

FOLDED = 20
"""Label sets that what is folded may bring with it."""

STEPS = 4
"""Parts of the attack, after each of which memory is looked at."""

OVERFLOW = 'streamtap_label_overflow_total'


def attack(seed: str, runs: int, concurrent: int) -> list[Row]:
    """Make the runs, and judge what became of their names.

    Args:
        seed: What chance begins from.
        runs: How many.
        concurrent: How many go on at once.
    """
    max_values, max_sets = (200, 2000) if runs >= LONG else (10, 100)
    registry, usage, ledger = CollectorRegistry(), UsageSink(), FoldedLedger()
    tap = Tap(
        [PrometheusSink(registry, max_label_sets=max_sets), usage],
        max_label_values=max_values,
        settle_after=LONGEST_RUN,
    )
    used: list[int] = []
    # What is there before the attack is to stay.
    asyncio.run(_workers(LoopAgents(tap, ledger), iter(range(0, 4 * REAL_FIRST, 4)), seed, 1))
    step = runs // STEPS
    for done in range(0, runs, step):
        asyncio.run(_workers(LoopAgents(tap, ledger), iter(range(done, done + step)), seed, concurrent))
        tap.flush()
        used.append(in_use())
        print(
            f'{done + step:,} runs, {used[-1] / MIB:,.1f} MiB in use, {resident() / MIB:,.1f} MiB resident',
            file=sys.stderr,
            flush=True,
        )
    summary = usage.summary()
    values, sets = label_counts(registry)
    overflow = overflowed(registry)
    rows = [
        *compare(COUNTED, ledger, folded(scraped(registry))),
        at_most('values of any label', max_values, max(values.values())),
        at_most('label sets of any metric', OUTCOMES * max_sets + FOLDED, max(sets.values())),
        at_most('series', max_sets * (len(sets) + 2 * OUTCOMES), sum(sets.values())),
        *(at_least(f'folded values of {label}', 1, overflow[label]) for label in ('agent', 'model')),
        at_most('agents in the usage summary', max_values + 1, len(summary.agents)),
        at_most('models in the usage summary', max_values + 1, len(summary.models)),
        at_most('tools in the usage summary', 3 * (max_values + 1), len(summary.tools)),
        exactly('open runs', 0, len(tap.live().runs)),
        at_most('memory in use, of the second half', growth(runs), (used[-1] - used[STEPS // 2 - 1]) / MIB, ' MiB'),
    ]
    tap.close()
    return rows


class FoldedLedger(Ledger):
    """Keeps all that is not real under one name, so that it does not grow with what is invented."""

    def enter(self, counted: Ledger) -> None:
        """Add what happened in one run."""
        self.update(folded(counted))


def folded(ledger: Ledger) -> Ledger:
    """The ledger with all that is not real under one name."""
    found = Ledger()
    for (metric, labels), count in ledger.items():
        shown = dict(labels)
        if 'agent' in shown and shown['agent'] not in REAL:
            # Past the label sets of a metric, all of its names that nobody fixed are folded.
            shown |= dict.fromkeys(shown.keys() - FIXED_LABELS, INVENTED)
        found[series(metric, **shown)] += count
    return found


def label_counts(registry: CollectorRegistry) -> tuple[dict[str, int], dict[str, int]]:
    """How many values each label has, and how many label sets each metric."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    sets: defaultdict[str, set[tuple[tuple[str, str], ...]]] = defaultdict(set)
    for family in registry.collect():
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != 'le'}
            sets[family.name].add(tuple(sorted(labels.items())))
            for name, value in labels.items():
                if name not in FIXED_LABELS and value not in NEVER_FOLDED:
                    values[name].add(value)
    return {name: len(found) for name, found in values.items()}, {name: len(found) for name, found in sets.items()}


def overflowed(registry: CollectorRegistry) -> dict[str, int]:
    """How often a value of each label was folded."""
    found: defaultdict[str, int] = defaultdict(int)
    for family in registry.collect():
        for sample in family.samples:
            if sample.name == OVERFLOW:
                found[sample.labels['label']] += round(sample.value)
    return found


def planned(number: int) -> tuple[str, Plan]:
    """The name of a run's agent, and its plan: one of four is real, two invent their names, one combines some."""
    kind = number % 4
    if kind == 0:
        agent = model = REAL[number // 4 % len(REAL)]
    elif kind == 3:
        agent, model = f'{INVENTED} {number % 97}', f'{INVENTED} {number % 89}'
    else:
        agent = model = f'{INVENTED} {number}'
    usage = (number % 100 + 1, number % 10 + 1)
    return agent, Plan(model, (Reply(0, ('work', f'{INVENTED}_{number}'), usage), Reply(1, (), usage)))


async def _workers(loop_agents: LoopAgents, numbers: Iterator[int], seed: str, concurrent: int) -> None:
    await asyncio.gather(*(_worker(loop_agents, numbers, seed) for _ in range(concurrent)))


async def _worker(loop_agents: LoopAgents, numbers: Iterator[int], seed: str) -> None:
    ways = [way for way in WAYS if way.name in ('handler', 'capability')]
    for number in numbers:
        agent, plan = planned(number)
        rng = Random(f'{seed} {number}')
        with contextlib.suppress(Exception):
            way = rng.choice(ways)
            with loop_agents.agent(way, 'planner').override(name=agent):
                await loop_agents.run(way, RunLog(plan, agent, agent, rng, number))
