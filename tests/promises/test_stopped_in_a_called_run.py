"""A run that is stopped while it waits for a run that it called: that one is over first, and nothing of it is lost."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent

from streamtap import Tap, UsageSink
from streamtap.testing import MemorySink
from support.pydantic_ai_features import needs
from support.scripted import Calls, Silence, model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Way = Callable[[Agent[None, str], dict[str, Any]], Awaitable[object]]

SOON = 0.25
"""Seconds after which the outer run is stopped: by then the inner one waits for the rest of its answer."""


async def run(agent: Agent[None, str], arguments: dict[str, Any]) -> None:
    await agent.run('hello', **arguments)


async def run_stream(agent: Agent[None, str], arguments: dict[str, Any]) -> None:
    async with agent.run_stream('hello', **arguments) as result:
        await result.get_output()


async def run_stream_events(agent: Agent[None, str], arguments: dict[str, Any]) -> None:
    async with agent.run_stream_events('hello', **arguments) as events:
        async for _ in events:
            pass


async def iterate(agent: Agent[None, str], arguments: dict[str, Any]) -> None:
    async with agent.iter('hello', **arguments) as agent_run:
        async for node in agent_run:
            if Agent.is_model_request_node(node):
                async with node.stream(agent_run.ctx) as events:
                    async for _ in events:
                        pass


async def cancelled(way: Way, agent: Agent[None, str]) -> None:
    task = asyncio.create_task(way(agent, {}))  # pyright: ignore[reportArgumentType, reportUnknownVariableType]
    await asyncio.sleep(SOON)
    task.cancel()  # pyright: ignore[reportUnknownMemberType]
    await task  # pyright: ignore[reportUnknownVariableType]


async def timed_out(way: Way, agent: Agent[None, str]) -> None:
    await way(agent, {'timeout': SOON})


@pytest.mark.parametrize('stopped', [cancelled, pytest.param(timed_out, marks=needs('run_timeouts', 'usage_costs'))])
@pytest.mark.parametrize('inner_way', [run_stream, run_stream_events, iterate])
@pytest.mark.parametrize('outer_way', [run, run_stream, run_stream_events, iterate])
def test_the_called_run_is_over_first_and_its_tokens_are_the_callers(
    outer_way: Way, inner_way: Way, stopped: Callable[[Way, Agent[None, str]], Awaitable[None]]
):
    """Whoever is stopped first, and however the runs are read."""
    memory = MemorySink()
    tap = Tap([memory, UsageSink()], price=lambda record, response: 0.001, labels=('tenant',))
    capabilities = [tap.capability()]
    inner = Agent(model(['one ', 'two ', 'three ', Silence()]), name='inner', capabilities=capabilities)
    outer = Agent(model([Calls('ask')]), name='outer', capabilities=capabilities, metadata={'tenant': 'acme'})

    @outer.tool_plain
    async def ask() -> str:  # pyright: ignore[reportUnusedFunction]
        await inner_way(inner, {})
        return 'never'

    async def main() -> None:
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await stopped(outer_way, outer)
        assert [each.agent for each in memory.runs] == ['inner', 'outer'], 'when the caller goes on'

    asyncio.run(main())
    within, around = memory.runs
    outcome = 'cancelled' if stopped is cancelled else 'timeout'
    assert [(each.outcome, each.requests) for each in memory.runs] == [(outcome, 1), (outcome, 1)]
    assert within.parent_run_id == around.run_id
    assert within.started_ns + (within.duration or 0) * 1e9 <= around.started_ns + (around.duration or 0) * 1e9
    assert around.called.runs == 1
    assert Counter(each.agent for each in memory.responses) == {'outer': 1, 'inner': 1}
    left = next(each for each in memory.responses if each.agent == 'inner')
    assert (left.outcome, left.chunks, left.unmeasured, left.output_tokens) == (outcome, 3, 'interrupted', 3)
    [tenant] = tap.usage.summary().labels
    assert (left.cost_usd, around.total_cost_usd, tenant.total_cost_usd) == (0.001, 0.002, 0.002)
    assert [(each.tool, each.outcome) for each in memory.tools] == [('ask', 'interrupted')]
    tap.close()
