"""Journals of agents whose work is random: what runs take, use and fail at differs from run to run, and within each."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from streamtap import CalledRuns, RunRecord
from streamtap._report.budget_verdicts import judge
from streamtap._report.budgets import parse_budget
from streamtap._report.compare import LEAST, compare
from streamtap._report.findings import gate_of_budgets, gate_of_changes
from streamtap._report.owners import ALL, owners_of
from streamtap._report.samples import Samples
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from streamtap import ResponseRecord, ToolRecord
    from streamtap._report.budgets import Budget
    from streamtap._report.owners import Owners


FIRST, TOOL = 0.4, 0.7
"""The median seconds to a first token, and of a tool call."""

WITHIN = 0.5
"""How much requests and tool calls of one run differ: the standard deviation of the logarithm of their times."""

RARELY = 0.01
"""The share of requests that fail, and of tool calls in a run that is not bad."""


@dataclass(frozen=True)
class Work:
    """What agents do: a chat that searches, and an editor that lets a researcher search.

    Args:
        runs: How many outermost runs there are.
        alike: How much alike what happens in one run is: the standard deviation of the logarithm of a factor that all
            its times share.
        calls: How many tool calls a run has at most.
        failing: The share of runs that fail.
        bad: The share of runs in which half of all tool calls fail; in others, one in a hundred does.
        slower: What all times are multiplied by.
    """

    runs: int = 40
    alike: float = 0.5
    calls: int = 4
    failing: float = 0.03
    bad: float = 0.03
    slower: float = 1.0

    def journal(self, seed: int) -> Iterator[ResponseRecord | RunRecord | ToolRecord]:
        """The records of such work, other ones with each seed."""
        chance = random.Random(seed)
        for number in range(self.runs):
            if number % 3:
                yield from self._run(chance, f'run {number}', 'chat', chance.lognormvariate(0, self.alike))
            else:
                yield from self._team(chance, f'run {number}')

    def budgets(self) -> list[Budget]:
        """Budgets that the work keeps, but only just: the limits are what is true of it."""
        spread = math.hypot(self.alike, WITHIN)
        limits = {
            name: typical * self.slower * math.exp(NormalDist().inv_cdf(q) * spread)
            for measured, typical in (('blank_screen', FIRST), ('first_token', FIRST), ('tool_duration', TOOL))
            for name, q in ((f'{measured}.p50', 0.5), (f'{measured}.p95', 0.95))
        }
        shares = {'failed': self.failing, 'failed_tools': self.bad / 2 + (1 - self.bad) * RARELY}
        return [
            *(parse_budget(f'{name} <= {limit:.9f}s') for name, limit in limits.items()),
            *(parse_budget(f'{name} <= {100 * share:.9f}%') for name, share in shares.items()),
        ]

    def _team(self, chance: random.Random, run_id: str) -> Iterator[ResponseRecord | RunRecord | ToolRecord]:
        factor = chance.lognormvariate(0, self.alike)
        *inner, asked = self._run(chance, f'{run_id} inner', 'researcher', factor, parent_run_id=run_id)
        assert isinstance(asked, RunRecord)
        called = CalledRuns(runs=1, requests=asked.requests, cost_usd=asked.cost_usd, input_tokens=asked.input_tokens)
        yield from (*inner, asked)
        yield from self._run(chance, run_id, 'editor', factor, called=called)

    def _run(
        self, chance: random.Random, run_id: str, agent: str, factor: float, **told: Any
    ) -> Iterator[ResponseRecord | RunRecord | ToolRecord]:
        common: dict[str, Any] = {
            'run_id': run_id,
            'agent': agent,
            'labels': {'tenant': chance.choice(('acme', 'bolt'))},
        }
        is_bad = chance.random() < self.bad
        first, total = 0.0, 0.0
        requests = chance.randint(1, 3)
        for _ in range(requests):
            seconds = FIRST * self.slower * factor * chance.lognormvariate(0, WITHIN)
            first, total = first or seconds, total + 2 * seconds
            yield response(
                **common,
                time_to_first_token=seconds,
                output_tokens_per_second=60 / self.slower / factor * chance.lognormvariate(0, 0.3),
                outcome='error' if chance.random() < RARELY else 'success',
            )
        for _ in range(chance.randint(0, self.calls)):
            seconds = TOOL * self.slower * factor * chance.lognormvariate(0, WITHIN)
            total += seconds
            outcome = 'error' if chance.random() < (0.5 if is_bad else RARELY) else 'success'
            yield tool(**common, tool=chance.choice(('search', 'read')), duration=seconds, outcome=outcome)
        yield run(
            **common,
            **told,
            duration=total,
            time_to_first_output=first,
            requests=requests,
            input_tokens=round(900 * factor * requests),
            cost_usd=0.004 * factor * requests,
            outcome='error' if chance.random() < self.failing else 'success',
        )


def samples(work: Work, seed: int, owners: Owners = owners_of) -> Samples:
    """The values of such a journal."""
    found = Samples(owners)
    for record in work.journal(seed):
        found.add(record)
    return found


def comparison_fails(before: Samples, after: Samples) -> bool:
    """Whether a comparison of two journals fails a build."""
    return not gate_of_changes(compare(before, after), LEAST, strict=False).passed


def budgets_fail(budgets: Sequence[Budget], found: Samples) -> bool:
    """Whether budgets of everybody fail a build."""
    return not gate_of_budgets(judge(budgets, found, ALL[:1]), strict=False).passed
