"""A tap makes nobody's code run more often: each function that the user gives an agent is called as without it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.capabilities import AbstractCapability, ProcessHistory, SelectModel
from pydantic_ai.toolsets import FunctionToolset

from streamtap import OTelSpanSink, Tap, UsageSink
from streamtap.testing import MemorySink
from support.installed import installed
from support.scripted import Calls, model

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS = ('run', 'run_stream', 'run_stream_events', 'iter')
PLACES = ('agent', 'run', 'both')


def counted(calls: Counter[str], name: str, result: object = None) -> Callable[..., Any]:
    """A function that counts its calls, and returns the result; its own arguments do not matter."""

    def call(*_: object) -> object:
        calls[name] += 1
        return result

    return call


class OfTheUser(AbstractCapability[Any]):
    """A capability of the user's own, which counts the calls of its hooks and changes nothing."""

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls

    def get_instructions(self) -> Any:
        self._calls['get_instructions'] += 1
        return None

    async def for_run(self, ctx: Any) -> OfTheUser:
        self._calls['for_run'] += 1
        return self

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        self._calls['before_model_request'] += 1
        return request_context

    async def wrap_run(self, ctx: Any, *, handler: Any) -> Any:
        self._calls['wrap_run'] += 1
        return await handler()

    async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
        self._calls['wrap_model_request'] += 1
        return await handler(request_context)

    async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        self._calls['wrap_tool_execute'] += 1
        return await handler(args)


async def calls_of(way: str, taps: Callable[[], Any] | None, place: str) -> Counter[str]:
    """How often each function of the user is called in one run.

    Args:
        way: How the agent is run, one of `WAYS`.
        taps: Gives a capability of a tap; `None` for the run as it is without.
        place: Where that is attached, one of `PLACES`, or `twice`: the same one at the agent and at the run.
    """
    calls: Counter[str] = Counter()
    answers = model(['so ', Calls('look', id='a')], ['wrong'], ['do', 'ne'])
    toolset = FunctionToolset[Any]()

    @toolset.tool_plain(prepare=lambda _, definition: counted(calls, 'prepare', definition)())
    def look() -> str:
        calls['tool'] += 1
        return 'seen'

    async def select(_: object) -> Any:
        calls['selector'] += 1
        return answers

    given = [] if taps is None else [taps()]
    user = [
        SelectModel(select),
        ProcessHistory(lambda messages: counted(calls, 'history', messages)()),
        OfTheUser(calls),
    ]
    of_agent = given if place in ('agent', 'both', 'twice') else []
    of_run = {'agent': [], 'run': given, 'both': [] if taps is None else [taps()], 'twice': given}[place]
    agent = Agent(
        answers,
        capabilities=[*user, *of_agent],
        instructions=counted(calls, 'instructions', 'be brief'),
        system_prompt=(),
        toolsets=[lambda ctx: counted(calls, 'toolset', toolset)()],
        model_settings=lambda ctx: counted(calls, 'settings', {})(),
        metadata=lambda ctx: counted(calls, 'metadata', {})(),
        retries=3,
    )

    @agent.output_validator
    def check(output: str) -> str:
        calls['validator'] += 1
        if output == 'wrong':
            raise ModelRetry('again')
        return output

    if way == 'run':
        await agent.run('hi', capabilities=of_run)
    elif way == 'run_stream':
        async with agent.run_stream('hi', capabilities=of_run) as result:
            await result.get_output()
    elif way == 'run_stream_events':
        async with agent.run_stream_events('hi', capabilities=of_run) as events:
            async for _ in events:
                pass
    else:
        async with agent.iter('hi', capabilities=of_run) as run:
            async for _ in run:
                pass
    return calls


@pytest.mark.parametrize('place', PLACES)
@pytest.mark.parametrize('stream', [False, True])
@pytest.mark.parametrize('way', WAYS)
def test_it_is_called_as_often_as_without_a_tap(way: str, stream: bool, place: str):  # noqa: FBT001
    """Wherever the capability is attached, also where the run has one more than its agent.

    A run that is given any capability makes pydantic-ai itself ask again: there it is compared with one that does nothing.
    """
    memory = MemorySink()
    tap = Tap([memory, UsageSink(), OTelSpanSink()])
    tapped = asyncio.run(calls_of(way, lambda: tap.capability(stream=stream), place))
    assert tapped == asyncio.run(calls_of(way, None if place == 'agent' else AbstractCapability, place))
    counted_once(tap, memory, tapped)


@pytest.mark.parametrize('stream', [False, True])
@pytest.mark.parametrize('way', WAYS)
def test_a_tap_that_is_installed_is_like_any_other_capability_of_a_run(way: str, stream: bool):  # noqa: FBT001
    """For which pydantic-ai asks those of the agent once more for what they bring."""
    memory = MemorySink()
    tap = Tap([memory, UsageSink(), OTelSpanSink()])
    with installed(tap, stream=stream):
        tapped = asyncio.run(calls_of(way, None, 'agent'))
    assert tapped == asyncio.run(calls_of(way, AbstractCapability, 'run'))
    counted_once(tap, memory, tapped)


def counted_once(tap: Tap, memory: MemorySink, calls: Counter[str]) -> None:
    """The tap has one run, with as many requests and tool calls as the user's own capability saw."""
    tap.close()
    seen = [('success', calls['wrap_model_request'], calls['wrap_tool_execute'])]
    assert [(run.outcome, run.requests, run.tool_calls) for run in memory.runs] == seen
    assert len(memory.responses) == calls['wrap_model_request']
    assert memory.faults == []


@pytest.mark.parametrize('way', WAYS)
def test_a_run_that_has_one_capability_twice_is_counted_once(way: str):
    """Its chunks too, as often as they come."""
    memory, alone = MemorySink(), MemorySink()
    tap = Tap([memory])
    capability = tap.capability(stream=True)
    counted_once(tap, memory, asyncio.run(calls_of(way, lambda: capability, 'twice')))
    other = Tap([alone])
    asyncio.run(calls_of(way, lambda: other.capability(stream=True), 'agent'))
    assert [each.chunks for each in memory.responses] == [each.chunks for each in alone.responses]
