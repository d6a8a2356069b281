"""Whether a run met what its users were promised."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import Objective, Tap
from streamtap._runs.objectives import Judged, Measured, checked_objectives, judge, objective_of
from streamtap.testing import capture
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunOutcome

ALL = Objective(first_output=2.0, stall=5.0, duration=30.0, cost=0.1)
KEPT: dict[str, Any] = {'first_output': 2.0, 'stall': 5.0, 'duration': 30.0, 'cost': 0.1}


def judged(objective: Objective, outcome: RunOutcome = 'success', **measured: Any) -> Judged:
    """A run that is at every limit, but for what is said."""
    return judge(objective, outcome, Measured(**{**KEPT, **measured}))


def test_a_run_that_is_at_its_limits_has_met_them():
    """They are what is allowed."""
    assert judged(ALL) == Judged(met=True)


@pytest.mark.parametrize('part', KEPT)
def test_a_run_above_a_limit_has_missed_that_part(part: str):
    """And no other."""
    assert judged(ALL, **{part: 31.0}) == Judged(met=False, missed=(part,))  # pyright: ignore[reportArgumentType]


def test_everything_that_was_missed_is_named():
    """In the order of the objective, a failure first."""
    over = dict.fromkeys(KEPT, 31.0)
    assert judged(ALL, 'error', **over) == Judged(
        met=False, missed=('failed', 'first_output', 'stall', 'duration', 'cost')
    )


@pytest.mark.parametrize('outcome', ['error', 'timeout', 'limit'])
def test_a_run_that_failed_has_missed_its_objective(outcome: RunOutcome):
    """Whatever the objective is."""
    assert judged(Objective(cost=1), outcome) == Judged(met=False, missed=('failed',))


@pytest.mark.parametrize('outcome', ['cancelled', 'deferred', 'incomplete'])
def test_a_run_that_ended_early_counts_only_if_it_had_missed_something(outcome: RunOutcome):
    """What it would have met nobody knows."""
    assert judged(ALL, outcome) == Judged()
    assert judged(ALL, outcome, first_output=2.1) == Judged(met=False, missed=('first_output',))


@pytest.mark.parametrize('part', KEPT)
def test_what_is_not_known_is_neither_met_nor_missed(part: str):
    """Unless the run missed something else, or the objective does not ask for it."""
    nothing: dict[str, Any] = {part: None}
    assert judged(ALL, **nothing) == Judged()
    other = 'cost' if part == 'stall' else 'stall'
    assert judged(ALL, **nothing, **{other: 31.0}) == Judged(met=False, missed=(other,))  # pyright: ignore[reportArgumentType]
    assert judged(Objective(**{other: 5.0}), **nothing) == Judged(met=True)


def test_a_cost_of_which_a_part_is_missing_can_only_be_too_high():
    """What is not known may be what makes it too high."""
    part = Objective(cost=0.1)
    assert judged(part, is_cost_whole=False) == Judged()
    assert judged(part, is_cost_whole=False, cost=0.2) == Judged(met=False, missed=('cost',))
    assert judged(Objective(stall=5.0), is_cost_whole=False) == Judged(met=True)


@pytest.mark.parametrize('unpriced', ['its own', 'of the run that it called'])
def test_a_run_with_a_response_without_a_price_is_not_counted(unpriced: str):
    """What is known of its cost is too low."""

    def price(record: ResponseRecord, _: object) -> float | None:
        is_own = record.agent == 'caller'
        return 0.01 if is_own == (unpriced != 'its own') else None

    with capture(price=price, objective=Objective(cost=1.0)) as seen:
        called = agent(['found'], capabilities=[seen.tap.capability()])
        caller = agent([Calls('ask')], ['done'], capabilities=[seen.tap.capability()])
        called.name, caller.name = 'called', 'caller'

        @caller.tool_plain
        async def ask() -> str:  # pyright: ignore[reportUnusedFunction]
            return (await called.run('hello')).output

        asyncio.run(caller.run('hello'))
    assert [(run.agent, run.total_cost_usd, run.objective_met) for run in seen.runs()] == [
        ('called', None if unpriced != 'its own' else 0.01, None),
        ('caller', 0.01 if unpriced == 'its own' else 0.02, None),
    ]


def test_agents_have_one_objective_or_each_its_own():
    """An agent that a mapping does not name has none."""
    own = {'support': ALL}
    assert [objective_of(ALL, 'support'), objective_of(own, 'support'), objective_of(own, 'coder')] == [ALL, ALL, None]
    assert objective_of(None, 'support') is None


def test_a_mapping_is_copied():
    """What the user changes in it later changes nothing."""
    own = {'support': ALL}
    checked = checked_objectives(own)
    own.clear()
    assert checked == {'support': ALL}


@pytest.mark.parametrize(
    ('wrong', 'complaint'),
    [
        (2.0, r'objective must be an Objective, or a dict such as .*, not 2\.0'),
        ({'support': 2.0}, r"objective must have names of agents, each with an Objective, not 'support': 2\.0"),
        ({1: ALL}, 'objective must have names of agents, each with an Objective, not 1: '),
    ],
)
def test_what_is_no_objective_is_refused(wrong: Any, complaint: str):
    """When the tap is made."""
    with pytest.raises(TypeError, match=complaint):
        Tap(objective=wrong)


@pytest.mark.parametrize(
    ('limits', 'error'),
    [
        ({}, ValueError),
        ({'first_output': 0}, ValueError),
        ({'cost': -1}, ValueError),
        ({'stall': float('nan')}, ValueError),
        ({'duration': '30'}, TypeError),
    ],
)
def test_an_objective_needs_a_limit_above_0(limits: dict[str, Any], error: type[Exception]):
    """One that asks for nothing, or for the impossible, is a mistake."""
    with pytest.raises(error):
        Objective(**limits)


def test_a_cost_is_in_dollars_also_where_it_is_refused():
    """The others are in seconds."""
    with pytest.raises(ValueError, match=r'cost must be above 0 US dollars, not -1'):
        Objective(cost=-1)
    with pytest.raises(ValueError, match=r'stall must be above 0 seconds, not -1'):
        Objective(stall=-1)
