"""`streamtap demo --fault`: each fault moves the numbers that it is there to move."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from statistics import median_low
from typing import TYPE_CHECKING

import pytest

from streamtap import BaseSink, ResponseRecord, RunRecord, Tap, ToolRecord
from streamtap._cli import main
from streamtap._demo.fault import FAULTS, Fault
from streamtap._demo.run import OBJECTIVE, STALL_AFTER, drive
from streamtap._demo.scenario import fake_loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._demo.fault import FaultName


@dataclass
class Seen(BaseSink):
    """What the agents of a demo did, and whether that is enough."""

    inline = True
    enough: Callable[[Seen], bool]
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    runs: list[RunRecord] = field(default_factory=list[RunRecord])
    responses: list[ResponseRecord] = field(default_factory=list[ResponseRecord])
    tools: list[ToolRecord] = field(default_factory=list[ToolRecord])

    def run_ended(self, record: RunRecord) -> None:
        self.runs.append(record)
        self._look()

    def response_ended(self, record: ResponseRecord) -> None:
        self.responses.append(record)
        self._look()

    def tool_ended(self, record: ToolRecord) -> None:
        self.tools.append(record)
        self._look()

    def _look(self) -> None:
        if self.enough(self):
            self.reached.set()

    def of(self, model: str) -> list[ResponseRecord]:
        return [response for response in self.responses if response.model == model and response.outcome != 'cancelled']

    def answers(self) -> list[ResponseRecord]:
        """The researcher's, whole."""
        return [response for response in self.of('gpt-5.2') if response.finish_reason == 'stop']

    def runs_of(self, agent: str) -> list[RunRecord]:
        return [run for run in self.runs if run.agent == agent and run.outcome != 'cancelled']

    def outermost(self, agent: str) -> list[RunRecord]:
        return [run for run in self.runs_of(agent) if not run.nested]

    def attempts(self, agent: str) -> set[int | None]:
        return {run.attempt for run in self.outermost(agent)}

    def contexts(self, model: str) -> list[float]:
        return [response.context_used for response in self.of(model) if response.context_used is not None]

    def cache_hits(self, model: str) -> float:
        """The share of its input tokens that were read from the cache."""
        measured = [response for response in self.of(model) if response.input_tokens]
        return sum(response.cache_read_tokens or 0 for response in measured) / sum(
            response.input_tokens or 0 for response in measured
        )

    def missed(self, model: str) -> set[str | None]:
        """Why tokens were bought again."""
        return {response.cache_miss_reason for response in self.of(model) if response.cache_missed_tokens}

    def searches(self) -> list[float]:
        calls = [call for call in self.tools if call.tool == 'search_web' and call.outcome == 'success']
        return [call.duration for call in calls if call.duration is not None]


HALF_FULL = 0.5
"""Of a context window, which takes half as long as until it is nearly full."""

ENOUGH: dict[FaultName, Callable[[Seen], bool]] = {
    'slow-tool': lambda seen: len(seen.searches()) >= 2 and len(seen.outermost('researcher')) >= 1,
    'rate-limit': lambda seen: len(seen.of('gpt-5-mini')) >= 8 and len(seen.runs_of('support')) >= 1,
    'stalls': lambda seen: len(seen.answers()) >= 1,
    'errors': lambda seen: 2 in seen.attempts('coder') and len(seen.answers()) >= 1,
    'cost': lambda seen: len(seen.runs_of('coder')) >= 1 and len(seen.of('gpt-5.2')) >= 1,
    'loop': lambda seen: all(len(seen.runs_of(agent)) >= 1 for agent in ('support', 'coder', 'researcher')),
    'context': lambda seen: max(seen.contexts('o4-mini'), default=0) >= HALF_FULL and len(seen.answers()) >= 1,
    'cache': lambda seen: len(seen.answers()) >= 5 and len(seen.runs_of('coder')) >= 1,
}
"""For each fault, when its demo has gone on for long enough."""


async def demo(name: FaultName) -> Seen:
    """What the demo's agents do with a fault."""
    seen = Seen(ENOUGH[name])

    async def until_enough() -> None:
        await seen.reached.wait()

    def failed(agent: str, error: Exception) -> None:
        """The agents fail as they are told to."""

    with Tap([seen], objective=OBJECTIVE, stall_after=STALL_AFTER) as tap:
        await drive(fake_loads(tap, Fault(name)), until_enough, failed, seconds=60)
    assert seen.reached.is_set(), f'with {name} the agents did not get that far in 60 s'
    return seen


@pytest.fixture(scope='module')
def demos() -> dict[FaultName, Seen]:
    """All of them, at the same time."""

    async def all_of_them() -> list[Seen]:
        return await asyncio.gather(*(demo(name) for name in FAULTS))

    return dict(zip(FAULTS, asyncio.run(all_of_them()), strict=True))


def test_slow_tool(demos: dict[FaultName, Seen]):
    """A search of the researcher takes some seconds; without a fault half of one."""
    assert min(demos['slow-tool'].searches()) >= 4
    assert max(demos['cost'].searches(), default=0) < 2


def test_rate_limit(demos: dict[FaultName, Seen]):
    """gpt-5-mini refuses three requests in four, and the runs of the support agent succeed with its fallback."""
    seen = demos['rate-limit']
    refused = [response for response in seen.of('gpt-5-mini') if response.error_type == 'ModelHTTPError_429']
    assert len(refused) >= len(seen.of('gpt-5-mini')) / 2
    assert {run.outcome for run in seen.runs_of('support')} == {'success'}


def test_stalls(demos: dict[FaultName, Seen]):
    """A whole answer of the researcher stalls twice; where something else is wrong it does not."""
    # On a machine that is busy with other things one more chunk may come late, and two silences be read as one.
    assert median_low(response.stalls for response in demos['stalls'].answers()) in (1, 2, 3)
    others = [demo for name, demo in demos.items() if name != 'stalls']
    assert min(response.stalls for demo in others for response in demo.answers()) == 0


def test_errors(demos: dict[FaultName, Seen]):
    """Most runs of the coder fail, as its model breaks off, and nobody else's."""
    assert 'error' in [run.outcome for run in demos['errors'].runs_of('coder')]
    others = [
        run for seen in demos.values() for run in seen.runs if run.agent != 'coder' or seen is not demos['errors']
    ]
    assert {run.outcome for run in others} <= {'success', 'cancelled'}


def test_cost(demos: dict[FaultName, Seen]):
    """The coder's requests have many times the usual input, and nobody else's have."""
    seen = demos['cost']
    assert min(response.input_tokens or 0 for response in seen.of('o4-mini')) >= 40_000
    assert max(response.input_tokens or 0 for response in seen.of('gpt-5.2')) < 8_000
    assert max(response.input_tokens or 0 for response in demos['errors'].of('o4-mini')) < 8_000


def test_loop(demos: dict[FaultName, Seen]):
    """Support makes one call again and again, the coder two in turn, each more than twice; nobody else repeats any."""
    seen = demos['loop']
    assert {run.loops.calls for run in seen.runs_of('support')} == {6}
    assert {run.loops.calls for run in seen.runs_of('coder')} == {4}
    repeated = {(call.agent, call.tool) for call in seen.tools if call.repeated}
    assert repeated == {('support', 'find_order'), ('coder', 'apply_patch'), ('coder', 'run_tests')}
    others = [run for name, each in demos.items() if name != 'loop' for run in each.runs]
    assert {run.loops.calls for run in [*others, *seen.runs_of('researcher')]} == {0}


def test_context(demos: dict[FaultName, Seen]):
    """A conversation of the coder fills its model, and it is the results of one tool; elsewhere windows are nearly empty."""
    seen = demos['context']
    grown = [response for response in seen.of('o4-mini') if (response.tool_result_tokens or 0) >= 30_000]
    assert {response.tool_results_of for response in grown} == {'run_tests'}
    assert max(seen.contexts('gpt-5.2')) < 0.1
    assert max(demos['errors'].contexts('o4-mini')) < 0.1


def test_cache(demos: dict[FaultName, Seen]):
    """The researcher's prompts change from the first word on, so what was cached is bought again; nobody else's do."""
    seen = demos['cache']
    assert seen.missed('gpt-5.2') == {'prefix_changed'}
    assert seen.cache_hits('gpt-5.2') < 0.6
    assert seen.cache_hits('o4-mini') > 0.85
    assert seen.missed('o4-mini') == demos['errors'].missed('gpt-5.2') == set()
    assert demos['errors'].cache_hits('gpt-5.2') > 0.85


def test_what_users_were_promised_is_kept_in_good_weather(demos: dict[FaultName, Seen]):
    """Runs meet their objective, but for those whose fault misses a part of it."""
    judged = [run for run in demos['cache'].runs if run.objective_met is not None]
    assert any(run.objective_met for run in judged)
    # A machine that is busy with other things may be late.
    assert {'failed', 'cost'}.isdisjoint(part for run in judged for part in run.objective_missed)
    assert [run.objective_missed for run in demos['slow-tool'].outermost('researcher')][:1] == [('first_output',)]
    assert 'cost' in demos['cost'].runs_of('coder')[0].objective_missed


def test_a_question_is_asked_again_if_its_run_fails(demos: dict[FaultName, Seen]):
    """The second run is the second attempt at the same question; where none fails, each is the first."""
    runs = demos['errors'].runs_of('coder')
    failed = {run.question_id for run in runs if run.attempt == 1 and run.outcome == 'error'}
    assert failed >= {run.question_id for run in runs if run.attempt == 2}
    assert {run.attempt for run in demos['cache'].runs if not run.nested} == {1}


def test_a_fault_begins_when_it_is_asked_to(monkeypatch: pytest.MonkeyPatch):
    """So that a board shows since when; and only the one that was asked for."""
    now = 100.0
    monkeypatch.setattr('time.monotonic', lambda: now)
    fault = Fault('stalls', after=60)
    begun: dict[float, list[FaultName]] = {}
    for now in (100.0, 159.9, 160.0):
        begun[now] = [name for name in FAULTS if fault.is_on(name)]
    assert begun == {100.0: [], 159.9: [], 160.0: ['stalls']}
    assert not any(Fault().is_on(name) for name in FAULTS)


def test_the_help_names_every_fault(capsys: pytest.CaptureFixture[str]):
    """What each does, for the one who is to find it, or rather not."""
    with pytest.raises(SystemExit):
        main(['demo', '--help'])
    told = capsys.readouterr().out
    assert [f'{name:<12}{what}' in told for name, what in FAULTS.items()] == [True] * len(FAULTS)


@pytest.mark.parametrize(
    ('arguments', 'complaint'),
    [
        (['--fault', 'gremlins'], "there is no 'gremlins'"),
        (['--fault', 'cost', '--model', 'test'], 'not allowed with argument'),
        (['--fault', 'cost', '--fault-after', 'later'], 'seconds above 0'),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]):
    """A bad argument is explained in one line on stderr, and the exit status is 2."""
    with pytest.raises(SystemExit) as exit_:
        main(['demo', *arguments])
    assert exit_.value.code == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count('\n') == 1
