"""A run that a tool began is nested: it is part of what its caller took, whatever ends first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import CalledRuns, LiveRun, RunStart, Tap
from streamtap.testing import Capture, MemorySink, capture
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from collections.abc import Generator

    from streamtap import RunRecord


@pytest.fixture
def seen() -> Generator[Capture]:
    with capture(price=lambda _record, _response: 1.0) as captured:
        yield captured


class InTheBackground:
    """A run of two requests in a task of its own, which waits between them."""

    def __init__(self, seen: Capture, name: str) -> None:
        self._waits, self._may_go_on = asyncio.Event(), asyncio.Event()
        self._agent = agent([Calls('wait')], ['done'], name=name, capabilities=[seen.tap.capability()])
        self._agent.tool_plain(name='wait')(self._wait)

    async def begin(self) -> str:
        self._task = asyncio.create_task(self._agent.run('hello'))
        await self._waits.wait()
        return 'begun'

    async def finish(self) -> None:
        self._may_go_on.set()
        await self._task

    async def _wait(self) -> str:
        self._waits.set()
        await self._may_go_on.wait()
        return 'over'


def by_agent(seen: Capture) -> dict[str, RunRecord]:
    return {run.agent: run for run in seen.runs()}


@pytest.mark.parametrize('door', ['handler', 'capability'])
def test_what_called_runs_used_is_added_up_to_the_outermost(door: str, seen: Capture):
    """Through any number of levels; each has its own figures beside."""
    options: dict[str, Any] = {'capabilities': [seen.tap.capability(stream=True)]} if door == 'capability' else {}
    arguments: dict[str, Any] = {} if door == 'capability' else {'event_stream_handler': seen.tap}
    lowest = agent(['found'], ['found'], name='lowest', **options)
    middle = agent([Calls('ask')], [Calls('ask')], ['asked twice'], name='middle', **options)
    outer = agent([Calls('ask')], ['done'], name='outer', **options)

    @middle.tool_plain(name='ask')
    async def ask_lowest() -> str:
        return (await lowest.run('hello', **arguments)).output

    @outer.tool_plain(name='ask')
    async def ask_middle() -> str:
        return (await middle.run('hello', **arguments)).output

    asyncio.run(outer.run('hello', **arguments))
    found = by_agent(seen)
    tokens = {run.agent: (run.input_tokens, run.output_tokens) for run in seen.runs()}
    assert found['lowest'].called == CalledRuns()
    assert found['middle'].called == CalledRuns(
        runs=2,
        requests=2,
        input_tokens=2 * tokens['lowest'][0],
        output_tokens=2 * tokens['lowest'][1],
        cost_usd=2.0,
    )
    assert (found['outer'].called.runs, found['outer'].called.tool_calls) == (3, 2)
    total = found['outer']
    assert (total.total_requests, total.total_tool_calls, total.total_cost_usd) == (7, 3, 7.0)
    responses = seen.responses()
    assert total.total_input_tokens == sum(response.input_tokens or 0 for response in responses)
    assert total.total_output_tokens == sum(response.output_tokens or 0 for response in responses)
    assert [run.nested for run in seen.runs()] == [True, True, True, False]


@pytest.mark.parametrize(('door', 'expected'), [('capability', ['a', 'b', None]), ('handler', [None] * 3)])
def test_a_run_knows_the_call_of_the_tool_that_called_it(door: str, expected: list[str | None]):
    """Also of calls at the same time, when it begins, while it is open and afterwards; a handler tells no call from another."""
    memory, live = MemorySink(), dict[str, LiveRun]()
    with Tap([memory]) as tap:
        options: dict[str, Any] = {'capabilities': [tap.capability(stream=True)]} if door == 'capability' else {}
        arguments: dict[str, Any] = {} if door == 'capability' else {'event_stream_handler': tap}
        calls = [Calls('ask', '{"name": "first"}', id='a'), Calls('ask', '{"name": "second"}', id='b')]
        outer = agent(calls, ['done'], name='third', **options)

        @outer.tool_plain
        async def ask(name: str) -> str:
            asked = agent([Calls('look')], ['found'], name=name, **options)

            @asked.tool_plain
            def look() -> str:
                live.update((run.agent, run) for run in tap.live().runs)
                return 'seen'

            return (await asked.run('hello', **arguments)).output

        asyncio.run(outer.run('hello', **arguments))
    starts = [start for _, start in memory.moments if isinstance(start, RunStart)]
    for told in (memory.runs, live.values(), starts):
        calls_of = {each.agent: each.parent_tool_call_id for each in told}
        assert [calls_of[name] for name in ('first', 'second', 'third')] == expected


def test_a_run_that_outlives_its_caller_counts_there_with_what_it_had_used(seen: Capture):
    """What it uses later is in its own record only, so that nothing is counted twice."""
    slow = InTheBackground(seen, 'slow')
    outer = agent([Calls('start')], ['done'], name='outer', capabilities=[seen.tap.capability()])
    outer.tool_plain(name='start')(slow.begin)

    async def main() -> None:
        await outer.run('hello')
        await slow.finish()

    asyncio.run(main())
    found = by_agent(seen)
    assert (found['outer'].called.requests, found['outer'].total_cost_usd) == (1, 3.0)
    assert (found['slow'].nested, found['slow'].requests, found['slow'].total_cost_usd) == (True, 2, 2.0)


def test_a_run_that_begins_after_its_caller_ended_has_none(seen: Capture):
    """A background task that a tool left behind: nobody waits for it, and it is no part of anything."""
    later = agent(['done'], name='later', capabilities=[seen.tap.capability()])
    outer = agent([Calls('start')], ['done'], name='outer', capabilities=[seen.tap.capability()])
    go_on, begun = asyncio.Event(), list[asyncio.Task[Any]]()

    async def in_the_background() -> None:
        await go_on.wait()
        await later.run('hello')

    @outer.tool_plain
    async def start() -> str:
        begun.append(asyncio.create_task(in_the_background()))
        return 'begun'

    async def main() -> None:
        await outer.run('hello')
        go_on.set()
        await asyncio.gather(*begun)

    asyncio.run(main())
    found = by_agent(seen)
    assert (found['later'].nested, found['later'].root_agent) == (False, 'later')
    assert found['outer'].called == CalledRuns()


def test_a_call_between_two_open_ones_is_handed_on(seen: Capture):
    """The middle one ends first: what the lowest uses is then part of what the outermost took, once."""
    lowest = InTheBackground(seen, 'lowest')
    middle = agent([Calls('start')], ['done'], name='middle', capabilities=[seen.tap.capability()])
    outer = agent([Calls('ask')], ['done'], name='outer', capabilities=[seen.tap.capability()])
    middle.tool_plain(name='start')(lowest.begin)

    @outer.tool_plain
    async def ask() -> str:
        await middle.run('hello')
        await lowest.finish()
        return 'asked'

    asyncio.run(outer.run('hello'))
    found = by_agent(seen)
    assert (found['middle'].called, found['outer'].total_requests) == (CalledRuns(), 6)
    assert found['outer'].total_cost_usd == 6.0
