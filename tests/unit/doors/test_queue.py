"""Runs that wait for a slot of `Agent(max_concurrency=...)`: what a user waits for is from when the run was asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from streamtap import Objective
from streamtap.testing import FakeClock, capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from streamtap import RunRecord
    from streamtap.testing import Capture

TWO_SECONDS = 2.0


def limited(seen: Capture, clock: FakeClock, *, at_once: int | None = 1) -> Agent[Any, Any]:
    """An agent whose model takes two seconds, and that lets so many runs go on at a time."""

    async def slowly(*_: object) -> AsyncIterator[str]:
        await asyncio.sleep(0)
        clock.advance(TWO_SECONDS)
        yield 'done'

    caps = [seen.tap.capability(stream=True)]
    return Agent(FunctionModel(stream_function=slowly), name='a', max_concurrency=at_once, capabilities=caps)


def three_runs(objective: Objective | None = None) -> list[RunRecord]:
    """Three runs that were asked for at the same time, one at a time, in the order in which they ended."""
    clock = FakeClock()
    with capture(clock=clock, objective=objective) as seen:
        made = limited(seen, clock)

        async def ask() -> None:
            with seen.tap.question():
                await made.run('hello')

        async def main() -> None:
            await asyncio.gather(ask(), ask(), ask())

        asyncio.run(main())
        return list(seen.runs())


def test_the_queue_is_part_of_all_that_a_user_waits_for():
    """Of the blank screen, the final result, the duration and the answer."""
    waited = [2.0, 4.0, 6.0]
    runs = three_runs()
    assert [run.time_to_first_output for run in runs] == waited
    assert [run.time_to_final_result for run in runs] == waited
    assert [run.duration for run in runs] == waited
    assert [run.time_to_answer for run in runs] == waited


def test_the_queue_is_one_of_the_phases_that_add_up_to_the_duration():
    """Without a wait it is none of them."""
    phases: list[Mapping[str, float]] = [run.phases for run in three_runs()]
    assert phases == [{'wait': 2.0}, {'queue': 2.0, 'wait': 2.0}, {'queue': 4.0, 'wait': 2.0}]


def test_a_run_begins_when_it_is_asked_for():
    """All three at the same time."""
    runs = three_runs()
    assert {run.started_ns for run in runs} == {runs[0].started_ns}


@pytest.mark.parametrize('objective', [Objective(first_output=3.0), Objective(duration=3.0)])
def test_an_objective_is_about_what_the_user_waits_for(objective: Objective):
    """Who waited too long for a slot waited too long."""
    assert [run.objective_met for run in three_runs(objective)] == [True, False, False]


def test_the_time_of_a_request_is_without_the_queue():
    """It was sent after it."""
    clock = FakeClock()
    with capture(clock=clock) as seen:
        made = limited(seen, clock)

        async def main() -> None:
            await asyncio.gather(made.run('one'), made.run('other'))

        asyncio.run(main())
        assert [record.time_to_first_token for record in seen.responses()] == [2.0, 2.0]


def test_an_agent_without_a_limit_has_no_queue():
    """However late its run begins after it was asked for its capabilities."""
    clock = FakeClock()
    with capture(clock=clock) as seen:
        asyncio.run(limited(seen, clock, at_once=None).run('hello'))
        assert seen.run().phases == {'wait': 2.0}
