"""What is open now, read at any moment, whatever the models are like."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from streamtap import Tap
from streamtap._upstream.model_responses import asked_model
from streamtap.testing import FakeClock, MemorySink, capture
from support.doors import HANDLER_AND_CAPABILITY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from streamtap import Live


async def speak(*_: object) -> AsyncIterator[str]:
    yield 'hello'


class Unreachable(FunctionModel):
    """A model that can be asked for its provider only at times, as one that asks a server for it."""

    is_down = False

    @property
    def system(self) -> str:
        if self.is_down:
            raise ConnectionError('no name now')
        return 'proxy'


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_model_that_raises_breaks_no_snapshot(door: str, monkeypatch: pytest.MonkeyPatch):
    """Its names were asked when the request began; a snapshot asks it nothing."""
    memory = MemorySink()
    tap = Tap([memory])
    taken: list[Live] = []

    async def look(_: object, events: Any) -> None:
        async for _ in events:
            with monkeypatch.context() as patch:
                patch.setattr(Unreachable, 'is_down', True)
                taken.append(tap.live())

    async def main() -> None:
        plugged: dict[str, Any] = {'event_stream_handler': tap.beside(look)}
        if door == 'capability':
            plugged = {'event_stream_handler': look, 'capabilities': [tap.capability()]}
        await Agent(Unreachable(stream_function=speak)).run('hello', **plugged)

    asyncio.run(main())
    tap.close()
    asked = 'proxy', 'function::speak'
    assert {(each.provider, each.model) for live in taken for each in live.responses} == {asked}
    assert [(each.provider, each.model, each.outcome) for each in memory.responses] == [(*asked, 'success')]
    assert memory.faults == []


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_it_says_how_long_ago_the_first_chunk_came(door: str):
    """Nothing before it."""
    clock = FakeClock()
    with capture(clock=clock) as seen:
        taken: list[tuple[float | None, float | None]] = []

        def look() -> None:
            taken.extend((each.age, each.since_first_chunk) for each in seen.tap.live().responses)

        async def slow(*_: object) -> AsyncIterator[str]:
            look()
            clock.advance(2)
            yield 'so '
            clock.advance(1)
            look()
            yield 'far'

        async def read(_: object, events: Any) -> None:
            async for _ in events:
                pass

        plugged: dict[str, Any] = {'event_stream_handler': seen.tap}
        if door == 'capability':
            plugged = {'event_stream_handler': read, 'capabilities': [seen.tap.capability()]}
        asyncio.run(Agent(FunctionModel(stream_function=slow)).run('hello', **plugged))
    assert taken == [(0.0, None), (3.0, 1.0)]


def test_a_name_that_cannot_be_read_is_empty():
    """Also among the candidates of a fallback; the others are read all the same."""

    class Raises:
        model_name = 'm'

        @property
        def system(self) -> str:
            raise ConnectionError('no name now')

    both = SimpleNamespace(models=[Raises(), SimpleNamespace(system='p', model_name='n')])
    asked = asked_model(SimpleNamespace(wrapped=both))
    found = [asked.candidate(failures) for failures in (0, 1, 9)]
    assert [(each.provider, each.name) for each in found] == [('', 'm'), ('p', 'n'), ('p', 'n')]
