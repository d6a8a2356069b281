"""The tap's numbers against the server's own clock, on a real HTTP stream.

The bounds are generous: a busy machine must not fail them. What the numbers really are, the bench tells.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic_ai import Agent, FallbackExceptionGroup, ModelHTTPError, ModelResponse
from pydantic_ai.capabilities import AbstractCapability, ModelFallback
from pydantic_ai.models.fallback import FallbackModel

from streamtap import PrometheusSink, Tap
from streamtap.testing import (
    Call,
    Capture,
    ChatRequest,
    Fail,
    Hang,
    MemorySink,
    PacedProvider,
    Pause,
    Reply,
    Say,
    Think,
    TokenUsage,
    capture,
    words,
)
from support.doors import HANDLER_AND_CAPABILITY
from support.event_readers import read
from support.paced_models import paced_client, paced_model
from support.real_time import REAL_TIME

if TYPE_CHECKING:
    from pydantic_ai.models import Model

pytestmark = REAL_TIME

SLOW_HEADERS: dict[str, Any] = {'headers_after': 0.3, 'first_after': 0.4, 'every': 0.02}


class Recovers(AbstractCapability[Any]):
    """Another capability that may recover a failed request, which makes pydantic-ai open streams early."""

    async def on_model_request_error(self, ctx: Any, *, request_context: Any, error: Exception) -> ModelResponse:
        raise error


def tools_then_text(request: ChatRequest) -> Reply:
    """Three tool calls, then 50 words."""
    if request.tools and not any(message.get('role') == 'tool' for message in request.messages):
        calls = (Call('nap', {}, id='a'), Call('alone', {}, id='b'), Call('alone', {}, id='c'))
        return Reply(calls, **SLOW_HEADERS)
    return Reply(words(' '.join(['word'] * 50)), **SLOW_HEADERS)


def napping(agent: Agent[Any, Any]) -> Agent[Any, Any]:
    @agent.tool_plain
    async def nap() -> str:
        await asyncio.sleep(0.1)
        return 'rested'

    @agent.tool_plain(sequential=True)
    async def alone() -> str:
        await asyncio.sleep(0.1)
        return 'rested alone'

    return agent


@pytest.mark.parametrize('recovers', [False, True], ids=['lazy stream', 'primed stream'])
@pytest.mark.parametrize('door', ['handler', 'capability', 'watched events', 'watched nodes'])
def test_times_agree_with_the_server(door: str, recovers: bool):  # noqa: FBT001
    """TTFT, tokens/s and tools, with headers 300 ms late and the first chunk 400 ms after them."""

    async def main(seen: Capture) -> None:
        async with paced_client(provider) as client:
            asked = paced_model(client)
            await Agent(asked).run('warm up')
            capabilities: list[Any] = [Recovers()] if recovers else []
            if door == 'capability':
                capabilities.append(seen.tap.capability(stream=True))
            agent = napping(Agent(asked, name='paced', capabilities=capabilities))
            if door.startswith('watched '):
                await read(agent, door.removeprefix('watched '), seen.tap.watch)
            else:
                await agent.run('hello', event_stream_handler=seen.tap if door == 'handler' else None)

    with PacedProvider(tools_then_text) as provider, capture() as seen:
        asyncio.run(main(seen))
        served = provider.served[1:]
    assert len(seen.responses()) == len(served) == 2
    for response, truth in zip(seen.responses(), served, strict=True):
        assert truth.time_to_first_chunk is not None
        assert response.time_to_first_token == pytest.approx(truth.time_to_first_chunk, abs=0.15)
        assert response.chunks == len(truth.chunks)
    truth = served[1]
    assert truth.window is not None
    gaps = seen.responses()[1].inter_chunk_latencies
    assert gaps is not None
    speed = seen.responses()[1].output_tokens_per_second
    if (gaps.quantile(0.0) or 0.0) > 0.01:
        assert gaps.quantile(0.5) == pytest.approx(0.02, rel=0.15)
        assert speed == pytest.approx(49 / truth.window, rel=0.05)
    else:
        # This process stood still, and took several chunks at once: a speed is true or not said.
        assert speed is None or speed == pytest.approx(49 / truth.window, rel=0.05)
    for tool in seen.tools():
        assert tool.duration == pytest.approx(0.1, abs=0.03), tool.tool
    (run,) = seen.runs()
    assert sum(run.phases.values()) == pytest.approx(run.duration, abs=0.001)
    assert run.phases['wait'] == pytest.approx(1.4, abs=0.1)
    assert run.phases['tools'] == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_thinking_model_shows_its_first_token_before_its_first_output(door: str):
    """Thinking is a token, text is the first output, and the blank screen ends with it."""

    async def main(seen: Capture) -> None:
        async with paced_client(provider) as client:
            capabilities = [seen.tap.capability(stream=True)] if door == 'capability' else []
            agent = Agent(paced_model(client), capabilities=capabilities)
            await agent.run('hello', event_stream_handler=seen.tap if door == 'handler' else None)

    reply = Reply((Think('hm'), Think(' hm'), Pause(0.3), Say('yes'), Say(' it is')), first_after=0.2, every=0.02)
    with PacedProvider([reply]) as provider, capture() as seen:
        asyncio.run(main(seen))
        truth = provider.served[0]
    (response,) = seen.responses()
    assert response.time_to_first_token == pytest.approx(truth.chunks[0].at - truth.received_at, abs=0.06)
    assert response.time_to_first_output == pytest.approx(truth.chunks[2].at - truth.received_at, abs=0.06)
    assert [(part.kind, part.chunks) for part in response.parts] == [('thinking', 2), ('text', 2)]
    blank = seen.runs()[0].time_to_first_output
    assert blank is not None
    assert response.time_to_first_output is not None
    assert blank >= response.time_to_first_output


def test_a_slow_consumer_is_not_a_slow_model():
    """What another handler does with its time is no pace of the model: absent, rather than wrong."""

    async def dawdle(ctx: Any, events: Any) -> None:
        async for _ in events:
            await asyncio.sleep(0.03)

    async def main(seen: Capture) -> None:
        async with paced_client(provider) as client:
            agent = Agent(paced_model(client), capabilities=[seen.tap.capability()])
            await agent.run('hello', event_stream_handler=dawdle)

    reply = Reply(words('one two three four five six seven eight'), every=0.01)
    with PacedProvider([reply]) as provider, capture() as seen:
        asyncio.run(main(seen))
    (response,) = seen.responses()
    assert response.chunks == 8
    assert (response.output_tokens_per_second, response.inter_chunk_latencies) == (None, None)
    assert response.consumer_seconds == pytest.approx(0.27, abs=0.1)


def rate_limited_first(request: ChatRequest) -> Reply:
    """The first model refuses, the second answers."""
    if request.model == 'first':
        return Reply((Fail('slow down', 429),), status=429, headers_after=0.3)
    return Reply(words('here it is'), first_after=0.2, usage=TokenUsage(input=5, output=3))


def falling_back(kind: str, *models: Model) -> tuple[Model | None, list[Any]]:
    """The model and the capabilities of an agent that falls back from one to the next."""
    return (FallbackModel(*models), []) if kind == 'FallbackModel' else (None, [ModelFallback(*models)])


@pytest.mark.parametrize('kind', ['FallbackModel', 'ModelFallback'])
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_fallback_is_two_requests_and_its_time_to_first_token_is_the_second_ones(door: str, kind: str):
    """The model that was rate-limited has its own failure; the wait for it is kept apart."""

    async def main() -> None:
        async with paced_client(provider) as client:
            model, capabilities = falling_back(kind, paced_model(client, 'first'), paced_model(client, 'second'))
            if door == 'capability':
                capabilities.append(seen.tap.capability(stream=True))
            agent = Agent(model, capabilities=capabilities)
            await agent.run('hello', event_stream_handler=seen.tap if door == 'handler' else None)

    with PacedProvider(rate_limited_first) as provider:
        with capture() as seen:
            asyncio.run(main())
        failed, answered = seen.responses()
        (run,) = seen.runs()
    assert (failed.model, failed.outcome, failed.error_type) == ('first', 'error', 'ModelHTTPError_429')
    assert (answered.provider, answered.model, answered.outcome) == ('openai', 'second', 'success')
    assert (failed.attempt, answered.attempt) == (1, 2)
    assert answered.time_to_first_token == pytest.approx(0.2, abs=0.06)
    assert answered.wait_before_attempt == pytest.approx(0.3, abs=0.06)
    assert (run.requests, run.output_tokens) == (2, 3)
    assert run.phases['wait'] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize('stream', [False, True], ids=['unstreamed', 'streamed'])
@pytest.mark.parametrize('kind', ['FallbackModel', 'ModelFallback'])
def test_when_every_candidate_fails_each_failure_is_counted(kind: str, stream: bool):  # noqa: FBT001
    """Under its own model, and the run fails with the group of them."""

    async def main() -> None:
        async with paced_client(provider) as client:
            model, capabilities = falling_back(kind, paced_model(client, 'first'), paced_model(client, 'other'))
            agent = Agent(model, capabilities=[*capabilities, seen.tap.capability(stream=stream)])
            with pytest.raises(FallbackExceptionGroup):
                await agent.run('hello')

    with PacedProvider(lambda request: Reply((Fail('no', 500),), status=500)) as provider, capture() as seen:
        asyncio.run(main())
    assert [(r.model, r.outcome, r.error_type) for r in seen.responses()] == [
        ('first', 'error', 'ModelHTTPError_500'),
        ('other', 'error', 'ModelHTTPError_500'),
    ]
    assert [(run.outcome, run.error_type, run.requests) for run in seen.runs()] == [
        ('error', 'FallbackExceptionGroup', 2)
    ]


@pytest.mark.parametrize('kind', ['FallbackModel', 'ModelFallback'])
def test_what_a_rejected_response_billed_is_counted_under_its_own_model(kind: str):
    """So that the sums equal the result's usage."""

    def rejects(response: ModelResponse) -> bool:
        return response.text == 'bad'

    async def main() -> Any:
        async with paced_client(provider) as client:
            models = paced_model(client, 'first'), paced_model(client, 'second')
            capabilities: list[Any] = [seen.tap.capability()]
            model = FallbackModel(*models, fallback_on=[rejects]) if kind == 'FallbackModel' else None
            if model is None:
                capabilities.insert(0, ModelFallback(*models, fallback_on=[rejects]))
            return (await Agent(model, capabilities=capabilities).run('hello')).usage

    def script(request: ChatRequest) -> Reply:
        return Reply((Say('bad' if request.model == 'first' else 'good'),), usage=TokenUsage(5, 3, 2, 1))

    with PacedProvider(script) as provider, capture() as seen:
        usage = asyncio.run(main())
    assert [(r.model, r.outcome, r.error_type) for r in seen.responses()] == [
        ('first', 'error', 'ResponseRejected'),
        ('second', 'success', None),
    ]
    sums = [
        sum(getattr(response, name) for response in seen.responses())
        for name in ('input_tokens', 'output_tokens', 'cache_read_tokens', 'reasoning_tokens')
    ]
    assert sums == [usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.output_reasoning_tokens]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('status', [429, 500])
def test_an_http_error_is_reported_with_its_status(door: str, status: int):
    """The request's error and the run's have the same name."""

    async def main(seen: Capture) -> None:
        async with paced_client(provider) as client:
            capabilities = [seen.tap.capability(stream=True)] if door == 'capability' else []
            agent = Agent(paced_model(client), capabilities=capabilities)
            with pytest.raises(ModelHTTPError):
                await agent.run('hello', event_stream_handler=seen.tap if door == 'handler' else None)

    with PacedProvider([Reply((Fail('no', status),), status=status)]) as provider, capture() as seen:
        asyncio.run(main(seen))
    name = f'ModelHTTPError_{status}'
    assert [(r.outcome, r.error_type, r.chunks, r.usage_reported) for r in seen.responses()] == [
        ('error', name, 0, False)
    ]
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', name)]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize('stage', ['first_token', 'mid_stream'])
def test_a_stream_that_hangs_shows_while_it_hangs(door: str, stage: str):
    """The gauge names the model that is silent, and is 0 again when the caller gives up."""
    registry = CollectorRegistry()
    memory = MemorySink()
    tap = Tap([PrometheusSink(registry), memory], stall_after=0.2, slow_start_after=0.2)

    def stalled() -> float | None:
        labels = {'agent': 'hangs', 'provider': 'openai', 'model': 'gpt-4.1-mini', 'stage': stage}
        return registry.get_sample_value('pydantic_ai_stalled_streams', labels)

    async def main() -> None:
        async with paced_client(provider) as client:
            capabilities = [tap.capability(stream=True)] if door == 'capability' else []
            agent = Agent(paced_model(client), name='hangs', capabilities=capabilities)
            task = asyncio.create_task(agent.run('hello', event_stream_handler=tap if door == 'handler' else None))
            deadline = time.perf_counter() + 10
            while not stalled():
                assert time.perf_counter() < deadline, 'the hanging stream never showed'
                await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with tap, PacedProvider([Reply((*words('so far'), Hang()) if stage == 'mid_stream' else (Hang(),))]) as provider:
        asyncio.run(main())
        assert stalled() == 0
    assert [run.outcome for run in memory.runs] == ['cancelled']
    assert [r.stalls for r in memory.responses] == [1 if stage == 'mid_stream' else 0]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_provider_that_sends_no_usage_is_counted_as_unmeasured(door: str):
    """No tokens are made up, and no speed."""
    registry = CollectorRegistry()

    async def main() -> None:
        async with paced_client(provider) as client:
            capabilities = [tap.capability(stream=True)] if door == 'capability' else []
            agent = Agent(paced_model(client), name='quiet', capabilities=capabilities)
            await agent.run('hello', event_stream_handler=tap if door == 'handler' else None)

    with PacedProvider([Reply(words('one two'), usage=None)]) as provider, Tap([PrometheusSink(registry)]) as tap:
        asyncio.run(main())
    labels = {'agent': 'quiet', 'provider': 'openai', 'model': 'gpt-4.1-mini'}
    name = 'pydantic_ai_unmeasured_responses_total'
    reasons = ('interrupted', 'not_reported', 'repeated')
    assert [registry.get_sample_value(name, {**labels, 'reason': reason}) for reason in reasons] == [0, 1, 0]
    assert registry.get_sample_value('pydantic_ai_output_tokens_total', labels) == 0
    assert registry.get_sample_value('pydantic_ai_output_tokens_per_second_count', labels) is None
