"""Journals of agents whose work is random: what runs take, use and fail at differs from run to run, and within each."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap import CalledRuns
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from streamtap import ResponseRecord, RunRecord, ToolRecord


@dataclass(frozen=True)
class Work:
    """What agents do: a chat that searches, and an editor that lets a researcher search.

    Args:
        runs: How many outermost runs there are.
        alike: How much alike what happens in one run is: the standard deviation of the logarithm of a factor that all
            its times share. Requests and tool calls by themselves have 0.5.
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

    def _team(self, chance: random.Random, run_id: str) -> Iterator[ResponseRecord | RunRecord | ToolRecord]:
        factor = chance.lognormvariate(0, self.alike)
        *inner, asked = self._run(chance, f'{run_id} inner', 'researcher', factor, parent_run_id=run_id)
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
            seconds = 0.4 * self.slower * factor * chance.lognormvariate(0, 0.5)
            first, total = first or seconds, total + 2 * seconds
            yield response(
                **common,
                time_to_first_token=seconds,
                output_tokens_per_second=60 / self.slower / factor * chance.lognormvariate(0, 0.3),
                outcome='error' if chance.random() < 0.01 else 'success',
            )
        for _ in range(chance.randint(0, self.calls)):
            seconds = 0.7 * self.slower * factor * chance.lognormvariate(0, 0.5)
            total += seconds
            outcome = 'error' if chance.random() < (0.5 if is_bad else 0.01) else 'success'
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
