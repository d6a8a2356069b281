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
from streamtap.testing import MemorySink
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
