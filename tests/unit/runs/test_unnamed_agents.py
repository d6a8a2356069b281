"""Agents without a name share one, and people are told."""

from __future__ import annotations

import gc

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import Tap, UsageSink
from streamtap._runs.unnamed_agents import MAX_AGENTS, UnnamedAgents
from streamtap.testing import capture

pytestmark = pytest.mark.anyio

SHARED = (
    "2 agents without a name are counted together as agent: give each a name, Agent(name='...') or "
    "tap.capability(agent='...')."
)


async def test_agents_without_a_name_are_counted_and_told_of():
    """Once there are two of them, and only then."""
    with Tap([UsageSink()]) as tap:
        agents = [Agent(TestModel(), capabilities=[tap.capability()]) for _ in range(2)]
        await agents[0].run('hello')
        assert SHARED not in tap.usage.summary().notes()
        await agents[1].run('hello')
        await agents[1].run('hello')
        summary = tap.usage.summary()
    assert [(row.agent, row.runs, row.unnamed_agents) for row in summary.agents] == [('agent', 3, 2)]
    assert SHARED in summary.notes()


async def test_the_capability_names_its_agent():
    """In place of the name that it has not, and of one that it has."""
    with capture() as seen:
        tap = seen.tap
        for name in (None, 'other'):
            agent = Agent(TestModel(), name=name, capabilities=[tap.capability(agent='billing')])
            await agent.run('hello')
    runs, responses = seen.runs(), seen.responses()
    assert [(each.agent, each.root_agent, each.unnamed_agents) for each in runs] == [('billing', 'billing', 0)] * 2
    assert [each.agent for each in responses] == ['billing'] * 2


async def test_agents_with_a_name_are_not_counted():
    """However many of them have the same."""
    with capture() as seen:
        agents = [Agent(TestModel(), name='greeter', capabilities=[seen.tap.capability()]) for _ in range(2)]
        for agent in agents:
            await agent.run('hello')
    assert [each.unnamed_agents for each in seen.runs()] == [0, 0]


def test_an_empty_name_is_refused():
    """Nobody could find its row."""
    tap = Tap([])
    with pytest.raises(ValueError, match="agent must not be empty: leave it out for the agent's own name"):
        tap.capability(agent=' ')
    with pytest.raises(TypeError, match='agent must be text, not int'):
        tap.capability(agent=3)  # pyright: ignore[reportArgumentType]


def test_an_agent_that_is_gone_is_not_counted():
    """An application that makes an agent for each request has one at a time."""
    agents = UnnamedAgents()
    kept = Agent(TestModel())
    for _ in range(3):
        assert agents.with_this(Agent(TestModel())) == 1
        gc.collect()
    assert agents.with_this(kept) == 1
    assert agents.with_this(kept) == 1


def test_a_context_without_an_agent_is_one():
    """Durable engines leave it out, and nothing can refer weakly to `None`."""
    assert UnnamedAgents().with_this(None) == 1


def test_so_many_are_told_apart_and_no_more():
    """The memory for it is bounded."""
    agents = UnnamedAgents()
    many = [type('A', (), {})() for _ in range(MAX_AGENTS + 5)]
    assert [agents.with_this(each) for each in many][-1] == MAX_AGENTS
