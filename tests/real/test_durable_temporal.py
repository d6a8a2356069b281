"""Under Temporal, without its server: real activities with their restricted context, real replays in its sandbox."""

from __future__ import annotations

import asyncio

import pytest

from streamtap.testing import capture
from support.durable_agents import IN_UNIT, PLACES, WITHOUT_RUN, Place, what_was_counted
from support.installed import installed
from support.required import REQUIRE_REAL

if not REQUIRE_REAL:
    pytest.importorskip(
        'temporalio', reason='Temporal is not installed: `pip install "pydantic-ai-slim[temporal]"` gives it'
    )

from pydantic_ai.durable_exec.temporal import PydanticAIPlugin
from pydantic_ai.messages import (
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from temporalio.worker import Replayer

from support.temporal_worker import AGENTS, SEEN, call_activity, history
from support.temporal_workflow import Sleep


@pytest.mark.parametrize('place', WITHOUT_RUN)
def test_activities_report_responses_and_tool_calls(place: Place):
    """Of no run, which may go on in other processes; nor of a time to first token, as the stream is open already."""
    agent, _ = AGENTS[place]

    async def work() -> None:
        await call_activity(
            agent,
            'request_stream_activity',
            messages=[ModelRequest(parts=[UserPromptPart('Sleep')])],
            model_settings=None,
            model_request_parameters=ModelRequestParameters(),
        )
        called = FunctionToolCallEvent(ToolCallPart('nap', {}, 'first'), args_valid=True)
        await call_activity(agent, 'event_stream_handler_activity', event=called)
        answered = FunctionToolResultEvent(part=ToolReturnPart('nap', 'rested', 'first'))
        await call_activity(agent, 'event_stream_handler_activity', event=answered)

    asyncio.run(work())
    seen = SEEN[place]
    assert what_was_counted(seen) == {'runs': [], 'responses': [(1, 'success', 4)], 'tools': [(1, 'first', 'success')]}
    assert [(response.model, response.chunks, response.time_to_first_token) for response in seen.responses()] == [
        ('scripted', 3, None)
    ]
    assert [tool.duration for tool in seen.tools()] == [None]
    assert seen.faults() == []


@pytest.mark.parametrize('response', [None, ModelResponse(parts=[TextPart('Well rested.')])], ids=['waits', 'ended'])
@pytest.mark.parametrize('place', PLACES)
def test_a_replayed_workflow_reports_nothing_and_does_not_fail(place: Place, response: ModelResponse | None):
    """In the sandbox; a worker that forgets a workflow breaks its code off, which is no end of its run either."""
    seen = SEEN[place]
    before = what_was_counted(seen)
    assert replayed(place, response) is None
    assert what_was_counted(seen) == before
    assert seen.faults() == []


def test_a_tap_that_is_installed_leaves_a_workflow_as_it_is(monkeypatch: pytest.MonkeyPatch):
    """It is replayed from a history that was written without, and its runs get no capability."""
    given: list[object] = []

    def capability(**options: object) -> None:
        given.append(options)

    with capture() as seen, installed(seen.tap, stream=True):
        monkeypatch.setattr(seen.tap, 'capability', capability)
        assert replayed('capability', ModelResponse(parts=[TextPart('Well rested.')])) is None
    assert (seen.runs(), seen.faults(), given) == ([], [], [])


def replayed(place: Place, response: ModelResponse | None) -> Exception | None:
    """Why a workflow cannot be replayed from its history; `None` if it can."""
    # A workflow streams for a handler; a capability is switched off in it.
    streams = place == 'run' or place in IN_UNIT
    activity = 'agent__sleeper__model_request' + ('_stream' if streams else '')

    async def replay() -> Exception | None:
        of_the_run = await history('Sleep', place, activity, response, 'Well rested.')
        replayer = Replayer(workflows=[Sleep], plugins=[PydanticAIPlugin()])
        return (await replayer.replay_workflow(of_the_run, raise_on_replay_failure=False)).replay_failure

    return asyncio.run(replay())
