"""Realtime sessions: runs, tools and usage are counted, and everything else passes by."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import (
    RealtimeInputSpeechEndEvent,
    RealtimeInputSpeechStartEvent,
    RealtimeOutputSpeechEndEvent,
    RealtimeOutputSpeechStartEvent,
)
from pydantic_ai.realtime.codec import AudioDelta, OutputTranscript, ResponseDone, SessionUsage, ToolCall
from pydantic_ai.usage import RequestUsage

from streamtap.testing import capture
from support.installed import installed
from support.realtime_model import ScriptedRealtimeModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap.testing import Capture

CALLS_NAP: Sequence[Any] = (
    ToolCall('c', tool_name='nap', args='{}'),
    SessionUsage(RequestUsage(input_tokens=7, output_tokens=2)),
    ResponseDone(),
)
SPEAKS: Sequence[Any] = (
    RealtimeInputSpeechStartEvent(),
    RealtimeInputSpeechEndEvent(),
    RealtimeOutputSpeechStartEvent(),
    AudioDelta(b'00'),
    OutputTranscript('hello '),
    OutputTranscript('there', is_final=True),
    RealtimeOutputSpeechEndEvent(),
    SessionUsage(RequestUsage(input_tokens=9, output_tokens=3)),
    ResponseDone(),
)


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


async def talk(seen: Capture, door: str, *turns: Sequence[Any]) -> Any:
    """A session of one question, and its result."""
    has_own = door in ('capability', 'streaming capability', 'installed beside it')
    capabilities = [seen.tap.capability(stream=door == 'streaming capability')] if has_own else []
    agent = Agent(name='speaker', capabilities=capabilities)

    @agent.tool_plain
    async def nap() -> str:
        return 'rested'

    realtime = agent.realtime(ScriptedRealtimeModel(*turns))
    with installed(seen.tap) if door.startswith('installed') else contextlib.nullcontext():
        async with realtime.session() as session:
            await session.send('hello')
            events: Any = seen.tap.watch(session) if door == 'watch' else session
            async for event in events:
                if event.event_kind == 'realtime_turn_complete':
                    break
    return session.result


@pytest.mark.parametrize('door', ['capability', 'streaming capability', 'installed', 'installed beside it'])
def test_a_session_is_a_run_with_its_tools_and_its_usage(door: str, seen: Capture):
    """The responses are those of its result; when they began is not known, and so absent."""
    result = asyncio.run(talk(seen, door, CALLS_NAP, SPEAKS))
    (run,) = seen.runs()
    assert (run.agent, run.outcome, run.requests, run.tool_calls) == ('speaker', 'success', 2, 1)
    assert (run.input_tokens, run.output_tokens) == (result.usage.input_tokens, result.usage.output_tokens) == (16, 5)
    assert [(r.provider, r.model, r.outcome, r.duration, r.time_to_first_token) for r in seen.responses()] == [
        ('scripted', 'scripted-realtime', 'success', None, None)
    ] * 2
    assert [(tool.tool, tool.outcome) for tool in seen.tools()] == [('nap', 'success')]
    assert seen.tap.live().runs == ()


def test_a_session_that_is_watched_passes_its_events_on(seen: Capture):
    """Speech and turns are nothing that is measured; the run ends where the reader stops."""
    asyncio.run(talk(seen, 'watch', SPEAKS))
    assert [(run.door, run.outcome) for run in seen.runs()] == [('watch', 'cancelled')]


def test_a_session_that_fails_is_a_run_that_failed(seen: Capture):
    """With the exception that its body raised."""

    async def main() -> None:
        agent = Agent(name='speaker', capabilities=[seen.tap.capability()])
        async with agent.realtime(ScriptedRealtimeModel(SPEAKS)).session():
            raise RuntimeError('the line is dead')

    with pytest.raises(RuntimeError, match='dead'):
        asyncio.run(main())
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'RuntimeError')]
