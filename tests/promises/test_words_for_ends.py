"""What `timeout`, `cancelled` and `error` mean, at every door: docs/metrics.md defines them, and this tries each case."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent, CancellationToken, ToolOutput
from pydantic_ai.exceptions import AgentRunError

from streamtap.testing import Fail, Hang, PacedProvider, Pause, Reply, Say, TokenUsage, capture, words
from support.paced_models import paced_client, paced_model
from support.pydantic_ai_features import needs
from support.real_time import REAL_TIME
from support.scripted import Calls, agent, model
from support.traced_tap import own, traced

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from streamtap import Tap

pytestmark = [needs('request_timeouts'), REAL_TIME]

DOORS = (
    'handler',
    'handler beside another',
    'capability',
    'capability, streamed',
    'capability, run_stream',
    'watch',
    'watched nodes',
)

SHORT = 0.3
"""Seconds after which a time limit runs out here; the provider hangs for ever."""


@pytest.fixture(scope='module', autouse=True)
def warm() -> None:
    """The first run of a process takes long to begin: what it needs is imported then."""
    with PacedProvider([Reply(words('one'))]) as provider, capture() as seen:

        async def main() -> None:
            async with paced_client(provider) as client:
                await Agent(paced_model(client)).run('hi', event_stream_handler=seen.tap)

        asyncio.run(main())


async def read(ctx: object, events: Any) -> None:
    async for _ in events:
        pass


def capabilities(door: str, tap: Tap) -> list[Any]:
    return [tap.capability(stream=door == 'capability, streamed')] if door.startswith('capability') else []


async def drive(door: str, tap: Tap, made: Agent[None, Any], **options: Any) -> None:
    """Run the agent through that door."""
    if door == 'capability, run_stream':
        async with made.run_stream('hi', **options) as result:
            await result.get_output()
    elif door == 'watch':
        async with made.run_stream_events('hi', **options) as events:
            await read(None, tap.watch(events))
    elif door == 'watched nodes':
        async with made.iter('hi', **options) as run:
            async for node in run:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as of_node:
                        await read(None, tap.watch(of_node))
    elif door == 'handler beside another':
        await made.run('hi', event_stream_handler=tap.beside(read), **options)
    else:
        handler = {'event_stream_handler': tap} if door == 'handler' else {}
        await made.run('hi', **handler, **options)


async def given_up(running: Awaitable[None]) -> None:
    """By `wait_for`."""
    await asyncio.wait_for(running, SHORT)


async def timed(running: Awaitable[None]) -> None:
    """By `asyncio.timeout()`, where there is one."""
    if sys.version_info >= (3, 11):
        async with asyncio.timeout(SHORT):
            await running
    else:
        await given_up(running)


async def cancelled(running: Awaitable[None]) -> None:
    """By the cancellation of its task."""
    task = asyncio.ensure_future(running)
    await asyncio.sleep(SHORT)
    task.cancel()
    await task


@dataclass(frozen=True)
class Case:
    """A way for a run to end, and what it must be called: the run's outcome and error type, and its request's."""

    steps: tuple[Any, ...]
    run: tuple[str, str | None]
    request: tuple[str, str, str | None]
    client_timeout: float = 60.0
    status: int = 200
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    around: Callable[[Awaitable[None]], Awaitable[None]] | None = None


MID_STREAM = (Say('a'), Say('b'), Hang())

CASES = {
    "the client's read timeout, before the first chunk": Case(
        (Hang(),), ('error', 'ModelTimeoutError'), ('timeout', 'error', 'ModelTimeoutError'), client_timeout=SHORT
    ),
    "the client's read timeout, in mid-stream": Case(
        MID_STREAM, ('error', 'ModelTimeoutError'), ('timeout', 'error', 'ModelTimeoutError'), client_timeout=SHORT
    ),
    "the request's timeout": Case(
        MID_STREAM,
        ('error', 'ModelRequestTimeout'),
        ('timeout', 'error', 'ModelRequestTimeout'),
        options={'model_settings': {'request_timeout': SHORT}},
    ),
    "the run's timeout": Case(
        MID_STREAM, ('timeout', 'RunTimedOut'), ('timeout', 'cancelled', None), options={'timeout': SHORT}
    ),
    'wait_for': Case(MID_STREAM, ('cancelled', None), ('cancelled', 'cancelled', None), around=given_up),
    'asyncio.timeout()': Case(MID_STREAM, ('cancelled', None), ('cancelled', 'cancelled', None), around=timed),
    'a cancelled task': Case(MID_STREAM, ('cancelled', None), ('cancelled', 'cancelled', None), around=cancelled),
    "the provider's own timeout": Case(
        (Fail('too late', 'timeout'),),
        ('error', 'ModelHTTPError_504'),
        ('error', 'error', 'ModelHTTPError_504'),
        status=504,
    ),
    'a provider that is unavailable': Case(
        (Fail('not now', 'unavailable'),),
        ('error', 'ModelHTTPError_503'),
        ('error', 'error', 'ModelHTTPError_503'),
        status=503,
    ),
}


@pytest.mark.parametrize('door', DOORS)
@pytest.mark.parametrize('name', CASES)
def test_a_request_and_its_run_are_called_the_same_at_every_door(name: str, door: str):
    """A time limit of the request, of the run, of the caller, of the provider; and what is none."""
    case = CASES[name]
    provider = PacedProvider([Reply(case.steps, status=case.status)])
    with provider, capture() as seen:

        async def main() -> None:
            client = AsyncOpenAI(
                base_url=provider.base_url, api_key='not-needed', max_retries=0, timeout=case.client_timeout
            )
            async with client:
                made = Agent(paced_model(client), capabilities=capabilities(door, seen.tap))
                running = drive(door, seen.tap, made, **case.options)
                await (running if case.around is None else case.around(running))

        with contextlib.suppress(AgentRunError, TimeoutError, asyncio.TimeoutError, asyncio.CancelledError):
            asyncio.run(main())
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [case.run]
        assert [(each.outcome, each.finish_reason, each.error_type) for each in seen.responses()] == [case.request]
        assert seen.faults() == []


@pytest.mark.parametrize('door', DOORS)
def test_a_users_stop_is_cancelled(door: str):
    """A `CancellationToken` is how an application stops its runs."""
    with PacedProvider([Reply(MID_STREAM)]) as provider, capture() as seen:

        async def main() -> None:
            token = CancellationToken()
            asyncio.get_running_loop().call_later(SHORT, token.cancel)
            async with paced_client(provider) as client:
                made = Agent(paced_model(client), capabilities=capabilities(door, seen.tap))
                await drive(door, seen.tap, made, cancellation_token=token)

        with contextlib.suppress(AgentRunError):
            asyncio.run(main())
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('cancelled', None)]
        assert [(each.outcome, each.error_type) for each in seen.responses()] == [('cancelled', None)]


@pytest.mark.parametrize('door', DOORS)
def test_a_tool_whose_own_time_is_up_is_made_again_and_one_that_raises_has_failed(door: str):
    """The tool's own `timeout=` asks the model again; what its code raises is an `error`, also a `TimeoutError`."""
    with capture() as seen:
        made = agent([Calls('hangs', id='1')], [Calls('gives_up', id='2')], capabilities=capabilities(door, seen.tap))

        @made.tool_plain(timeout=0.02)
        async def hangs() -> None:  # pyright: ignore[reportUnusedFunction]
            await asyncio.sleep(30)

        @made.tool_plain
        async def gives_up() -> None:  # pyright: ignore[reportUnusedFunction]
            await asyncio.wait_for(asyncio.sleep(30), 0.02)

        with pytest.raises((TimeoutError, asyncio.TimeoutError)):
            asyncio.run(drive(door, seen.tap, made))
        assert [(each.tool, each.outcome, each.retry_cause, each.error_type) for each in seen.tools()] == [
            ('hangs', 'retried', 'timeout', None),
            ('gives_up', 'error', None, 'TimeoutError'),
        ]
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'TimeoutError')]


@pytest.mark.parametrize('door', DOORS)
def test_an_answer_without_content_has_its_duration_and_its_outcome(door: str):
    """All of it was hidden reasoning, until the limit of tokens: no chunk came, and the run cannot use it."""
    reply = Reply([Pause(0.2)], usage=TokenUsage(10, 100, reasoning=100), finish_reason='length')
    with PacedProvider([reply]) as provider, capture() as seen:

        async def main() -> None:
            async with paced_client(provider) as client:
                made = Agent(paced_model(client), capabilities=capabilities(door, seen.tap))
                await drive(door, seen.tap, made)

        with pytest.raises(AgentRunError):
            asyncio.run(main())
        (answer,) = seen.responses()
        assert (answer.outcome, answer.finish_reason, answer.error_type) == ('success', 'length', None)
        assert (answer.chunks, answer.time_to_first_token, answer.output_tokens) == (0, None, 100)
        assert answer.duration == pytest.approx(0.2, abs=0.1)
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'OutputTokenLimitExceeded')]


@pytest.mark.parametrize('door', DOORS)
def test_an_answer_without_content_that_is_sent_back_has_its_duration(door: str):
    """The next one has content; both have theirs."""
    replies = [Reply([Pause(0.2)], usage=TokenUsage(10, 100, reasoning=100)), Reply(words('one two'), every=0.02)]
    with PacedProvider(replies) as provider, capture() as seen:

        async def main() -> None:
            async with paced_client(provider) as client:
                made = Agent(paced_model(client), capabilities=capabilities(door, seen.tap))
                await drive(door, seen.tap, made)

        asyncio.run(main())
        first, second = seen.responses()
        assert first.duration == pytest.approx(0.2, abs=0.1)
        assert second.duration == pytest.approx(0.05, abs=0.1)


@pytest.mark.parametrize('door', DOORS)
def test_an_output_tool_has_its_span_at_every_door(door: str):
    """It runs before any event tells of it; its time is what was waited for."""
    found = traced()

    async def answer(x: int) -> int:
        await asyncio.sleep(0.1)
        return x

    made: Agent[None, int] = Agent(
        model([Calls('final_result', '{"x": 1}')]),
        output_type=ToolOutput(answer, name='final_result'),
        capabilities=capabilities(door, found.tap),
    )
    asyncio.run(drive(door, found.tap, made))
    found.tap.close()
    (tool,) = found.memory.tools
    assert (tool.tool, tool.kind, tool.outcome) == ('final_result', 'output', 'success')
    spans = [span for span in own(found.exporter.get_finished_spans()) if span.name == 'execute_tool final_result']
    (length,) = [span.end_time - span.start_time for span in spans if span.end_time and span.start_time]
    if door == 'watch':
        # The run is ahead of whoever reads its events: when the tool began, nobody can say.
        assert (tool.duration, length) == (None, 0)
    else:
        assert tool.duration == pytest.approx(0.1, abs=0.05)
        assert length == pytest.approx(0.1e9, abs=0.05e9)
    assert found.memory.faults == []
