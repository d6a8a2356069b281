"""What the tap compares it does not keep: no text of prompts, arguments and results stays in it."""

from __future__ import annotations

import asyncio
import gc
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

import pytest
from pydantic_ai import Agent

from streamtap import Objective, Tap, UsageSink
from streamtap.testing import MemorySink
from support.doors import DOORS
from support.scripted import Calls, model

if TYPE_CHECKING:
    from support.doors import Door

SECRET = 'xyzzy-plugh'


def held_by(root: object) -> list[str]:
    """Every text that something holds, itself or through what it refers to; not through classes and modules."""
    texts: list[str] = []
    seen: set[int] = set()
    left: list[object] = [root]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, type | ModuleType):
            continue
        seen.add(id(each))
        if isinstance(each, str | bytes):
            texts.append(each if isinstance(each, str) else each.decode(errors='replace'))
        elif isinstance(each, FunctionType):
            # Its globals are those of a module.
            left += [each.__closure__, each.__defaults__]
        else:
            left += gc.get_referents(each)
    return texts


async def run(tap: Tap, door: Door) -> None:
    """A run with the secret in everything that goes to the model and comes from it, and in what its tool returns."""
    arguments = f'{{"{SECRET}": "{SECRET}"}}'
    turns = [[Calls('look', arguments, id=str(number))] for number in range(3)]
    capabilities = [tap.capability(stream=True)] if door == 'capability' else []
    agent = Agent(model(*turns, [f'it is {SECRET}']), instructions=f'know {SECRET}', capabilities=capabilities)

    @agent.tool_plain
    def look(**what: str) -> str:
        return f'error: {SECRET} in {what}'

    if door == 'watch':
        async with agent.run_stream_events(f'tell {SECRET}') as events:
            async for _ in tap.watch(events):
                pass
    else:
        await agent.run(f'tell {SECRET}', event_stream_handler=tap if door == 'handler' else None)


@pytest.mark.parametrize('door', DOORS)
def test_no_text_is_kept(door: Door):
    """Neither by the loops, the prefixes and the conversations that it compares, nor by what it asks about results."""
    asked: list[str] = []

    def read(tool: str, result: object) -> str | None:
        asked.append(str(result))
        return 'polite'

    memory = MemorySink()
    with Tap([memory, UsageSink()], tool_error=read, objective=Objective(duration=60)) as tap:
        with tap.question():
            asyncio.run(run(tap, door))
        tap.flush()
        assert [(tool.error_type, tool.repeated) for tool in memory.tools] == [
            ('polite', False),
            ('polite', False),
            ('polite', True),
        ]
        assert len(asked) == 3
        assert all(SECRET in result for result in asked)
        asked.clear()
        gc.collect()
        texts = held_by(tap)
        assert 'polite' in texts
        assert [text for text in texts if SECRET in text] == []
