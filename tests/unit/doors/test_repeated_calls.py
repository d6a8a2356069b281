"""A tool that is called with the same arguments again and again is told, at every door."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from streamtap._runs import tool_calls
from streamtap.testing import capture
from support.doors import DOORS
from support.scripted import Calls, agent, nap

if TYPE_CHECKING:
    from pydantic_ai import Agent

    from streamtap import Tap
    from streamtap.testing import Capture
    from support.doors import Door


async def run(made: Agent[object, object], tap: Tap, door: Door) -> None:
    """One run, measured at that door."""
    if door == 'watch':
        async with made.run_stream_events('hello') as events:
            async for _ in tap.watch(events):
                pass
    elif door == 'handler':
        await made.run('hello', event_stream_handler=tap)
    else:
        await made.run('hello', capabilities=[tap.capability(stream=True)])


def repeated(seen: Capture) -> list[tuple[str, bool]]:
    return [(tool.tool_call_id, tool.repeated) for tool in seen.tools()]


@pytest.mark.parametrize('door', DOORS)
def test_the_third_call_with_the_same_arguments_is_a_repetition(door: Door):
    """Other arguments, and another tool with the same ones, are none."""
    turns = [
        [nap(0, 'a')],
        [nap(0, 'b'), nap(0.001, 'c'), nap(0, 'd', 'alone')],
        [nap(0, 'e')],
        [nap(0, 'f')],
        ['done'],
    ]
    with capture() as seen:
        asyncio.run(run(agent(*turns), seen.tap, door))
        told = repeated(seen)
    assert sorted(told) == [('a', False), ('b', False), ('c', False), ('d', False), ('e', True), ('f', True)]


@pytest.mark.parametrize('door', DOORS)
def test_another_run_begins_anew(door: Door):
    """What an earlier one asked is no loop of this one."""
    with capture() as seen:
        for _ in range(2):
            asyncio.run(run(agent([nap(0, 'a')], [nap(0, 'b')], ['done']), seen.tap, door))
        assert repeated(seen) == [('a', False), ('b', False)] * 2


@pytest.mark.parametrize('door', DOORS)
def test_a_call_that_is_sent_back_counts(door: Door):
    """A model that asks again what it was told not to is in a loop too."""
    turns = [*([Calls('fails_once', id=name)] for name in 'abc'), ['done']]
    with capture() as seen:
        asyncio.run(run(agent(*turns), seen.tap, door))
        told = [(tool.outcome, tool.repeated) for tool in seen.tools()]
    assert told == [('retried', False), ('success', False), ('success', True)]


def test_a_run_remembers_so_many_calls_and_no_more(monkeypatch: pytest.MonkeyPatch):
    """Those that it knows are compared; its memory does not grow with what a model thinks up."""
    monkeypatch.setattr(tool_calls, 'MAX_FINGERPRINTS', 1)
    turns = [*([nap(0, f'a{each}'), nap(0.001, f'b{each}')] for each in range(3)), ['done']]
    with capture() as seen:
        asyncio.run(run(agent(*turns), seen.tap, 'capability'))
        assert [name for name, is_repeated in repeated(seen) if is_repeated] == ['a2']
