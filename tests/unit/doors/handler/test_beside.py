"""A handler of the user's beside the tap: as if the tap were not there."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaThinkingPart, FunctionModel
from pydantic_ai.result import AgentStream

from streamtap import Tap
from streamtap.testing import MemorySink, capture
from support.real_time import REAL_TIME
from support.scripted import Calls, Silence, agent, usage_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator

    from pydantic_ai import RunContext
    from pydantic_ai.messages import AgentStreamEvent, ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from streamtap.testing import Capture, FakeClock


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


def test_both_see_every_event(seen: Capture):
    """The user's handler what it would see alone, the tap what it would measure alone."""

    async def told(handler_of: Any) -> list[str]:
        kinds: list[str] = []

        async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
            kinds.extend([event.event_kind async for event in events])

        await agent(['so ', 'far', Calls('nap')], ['do', 'ne']).run('hello', event_stream_handler=handler_of(mine))
        return kinds

    assert asyncio.run(told(seen.tap.beside)) == asyncio.run(told(lambda mine: mine))  # pyright: ignore[reportUnknownLambdaType]
    assert [(r.chunks, r.outcome) for r in seen.responses()] == [(3, 'success'), (2, 'success')]
    assert [(tool.tool, tool.outcome) for tool in seen.tools()] == [('nap', 'success')]
    assert [run.outcome for run in seen.runs()] == ['success']


def test_a_run_that_is_stopped_when_its_handler_is_done_had_its_response(seen: Capture):
    """The tap does not ask a stream again that was read to its end, where the stop would look like the stream's own."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    async def main() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await agent(['so ', 'far', Calls('nap')], ['done']).run('hello', event_stream_handler=seen.tap.beside(mine))

    asyncio.run(main())
    assert [response.outcome for response in seen.responses()] == ['success']


def test_the_streams_attributes_and_class_are_its_own(seen: Capture):
    """A handler may look at what it was given."""
    looked: list[Any] = []

    async def mine(ctx: RunContext[Any], events: Any) -> None:
        looked.append(
            (isinstance(events, AgentStream), events.run_id == ctx.run_id if hasattr(events, 'run_id') else None)
        )
        async for _ in events:
            pass

    asyncio.run(agent(['done']).run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert looked == [(True, True), (False, None)]


def test_reading_through_the_streams_own_methods_passes_the_tap_by(seen: Capture):
    """The response is recorded, its usage too, but no chunk, no time to first token and no duration is made up."""
    texts: list[str] = []

    async def mine(ctx: RunContext[Any], events: Any) -> None:
        if hasattr(events, 'stream_text'):
            texts.extend([text async for text in events.stream_text(debounce_by=None)])

    result = asyncio.run(agent(['do', 'ne']).run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert texts[-1] == 'done'
    (response,) = seen.responses()
    assert (response.outcome, response.output_tokens) == ('success', usage_of(result).output_tokens)
    assert (response.chunks, response.time_to_first_token, response.duration, response.parts) == (0, None, None, ())


@pytest.mark.parametrize('reads', [0, 1])
def test_what_a_handler_leaves_unread_is_measured_all_the_same(reads: int, seen: Capture):
    """pydantic-ai reads on in any case, through the tap too: chunks, tokens and tools are whole."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        if reads:
            async for _ in events:
                return

    made = agent([Calls('nap')], ['do', 'ne'])
    result = asyncio.run(made.run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert result.output == 'done'
    assert [(r.outcome, r.chunks) for r in seen.responses()] == [('success', 1), ('success', 2)]
    assert sum(r.output_tokens or 0 for r in seen.responses()) == usage_of(result).output_tokens
    assert [tool.outcome for tool in seen.tools()] == ['success']
    assert [(run.outcome, run.tool_calls) for run in seen.runs()] == [('success', 1)]


def test_what_the_users_handler_raises_ends_the_run_but_is_no_failure_of_the_provider(seen: Capture):
    """It is the run's error, as without the tap."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            raise LookupError('mine')

    with pytest.raises(LookupError, match='mine'):
        asyncio.run(agent(['do', 'ne']).run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert [(r.outcome, r.error_type) for r in seen.responses()] == [('cancelled', None)]
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'LookupError')]


def test_a_handler_that_raises_after_the_end_leaves_a_complete_response(seen: Capture):
    """The model did its part."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass
        raise LookupError('mine')

    with pytest.raises(LookupError, match='mine'):
        asyncio.run(agent(['do', 'ne']).run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert [(r.outcome, r.error_type) for r in seen.responses()] == [('success', None)]
    assert [(run.outcome, run.error_type) for run in seen.runs()] == [('error', 'LookupError')]


@REAL_TIME
def test_a_silent_stream_is_the_models_wait_while_the_handler_asks(seen: Capture):
    """Also while it lasts: what nobody answers is not the consumer's time."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass

    async def main() -> None:
        task = asyncio.create_task(agent(['a', Silence()]).run('x', event_stream_handler=seen.tap.beside(mine)))
        await asyncio.sleep(0.1)
        (waiting,) = seen.tap.live().responses
        assert waiting.wait == pytest.approx(0.1, abs=0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    (response,) = seen.responses()
    assert response.consumer_seconds == pytest.approx(0, abs=0.01)
    assert seen.runs()[0].phases['stream'] == pytest.approx(0.1, abs=0.05)


def test_a_provider_that_fails_is_reported_as_such(seen: Capture):
    """Through the user's handler the error goes on its way."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass

    with pytest.raises(ConnectionError):
        asyncio.run(agent(['do', ConnectionError()]).run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert [(r.outcome, r.error_type) for r in seen.responses()] == [('error', 'ConnectionError')]


@REAL_TIME
def test_a_slow_handler_is_a_slow_consumer(seen: Capture):
    """Its time is not the model's."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            await asyncio.sleep(0.02)

    asyncio.run(agent(['a', 'b', 'c', 'd']).run('hello', event_stream_handler=seen.tap.beside(mine)))
    (response,) = seen.responses()
    assert (response.inter_chunk_latencies, response.output_tokens_per_second) == (None, None)
    assert response.consumer_seconds == pytest.approx(0.12, abs=0.06)


def test_with_the_capability_on_the_run_it_only_passes_on(seen: Capture):
    """Counted once."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        async for _ in events:
            pass

    made = agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()])
    asyncio.run(made.run('hello', event_stream_handler=seen.tap.beside(mine)))
    assert [(run.door, run.requests) for run in seen.runs()] == [('capability', 2)]


def test_what_is_no_handler_is_refused(seen: Capture):
    """At once, with a word on what to pass."""

    async def yields(ctx: Any, events: Any) -> Any:
        yield 1

    for wrong in (yields, 'handler', None):
        handler: Any = wrong
        with pytest.raises(TypeError, match='async function'):
            seen.tap.beside(handler)


@pytest.mark.parametrize('tool', ['quick', 'broken'])
def test_a_tool_that_starts_late_for_a_slow_handler_is_still_timed(tool: str, captap: Capture, tap_clock: FakeClock):
    """It begins when the handler asks for its result, and not while the handler holds its call."""
    made = agent([Calls(tool)], ['done'])

    @made.tool_plain
    async def quick() -> None:
        tap_clock.advance(0.005)

    @made.tool_plain
    async def broken() -> None:
        tap_clock.advance(0.005)
        raise LookupError

    async def holds(ctx: Any, events: Any) -> None:
        async for event in events:
            if event.event_kind == 'function_tool_call':
                tap_clock.advance(0.2)

    with contextlib.suppress(LookupError):
        asyncio.run(made.run('hello', event_stream_handler=captap.tap.beside(holds)))
    assert [call.duration for call in captap.tools()] == pytest.approx([0.005])
    assert captap.run().phases == pytest.approx({'tools': 0.005, 'consumer': 0.2})
    assert captap.run().duration == pytest.approx(0.205)


def held(seconds: float, clock: FakeClock, *, at: str) -> Any:
    """A handler that holds the first event of that kind for so long."""

    async def mine(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
        has_held = False
        async for event in events:
            if event.event_kind == at and not has_held:
                has_held = True
                clock.advance(seconds)

    return mine


def test_what_a_handler_does_with_the_last_event_makes_no_request_shorter(tap_clock: FakeClock):
    """Its time is left out of a duration that contains it, and of no other."""
    memory = MemorySink()

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        tap_clock.advance(0.25)
        yield 'do'
        tap_clock.advance(0.25)
        yield 'ne'

    with Tap([memory], clock=tap_clock) as tap:
        handler = tap.beside(held(2.0, tap_clock, at='part_end'))
        asyncio.run(Agent(FunctionModel(stream_function=stream)).run('hello', event_stream_handler=handler))
    (response,) = memory.responses
    assert (response.time_to_first_token, response.duration, response.consumer_seconds) == (0.25, 0.5, 0.0)
    assert memory.runs[0].phases['consumer'] == 2.0


@pytest.mark.parametrize(('seconds', 'expected'), [(0.005, 0.505), (0.02, 0.52), (3.0, None)])
def test_a_first_token_that_may_have_waited_for_the_handler_has_no_time(
    seconds: float, expected: float | None, tap_clock: FakeClock
):
    """A first event without content is held for longer than a tenth of the wait."""
    memory = MemorySink()

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        yield {0: DeltaThinkingPart(signature='without content')}
        tap_clock.advance(0.5)
        yield 'done'

    with Tap([memory], clock=tap_clock) as tap:
        handler = tap.beside(held(seconds, tap_clock, at='part_start'))
        asyncio.run(Agent(FunctionModel(stream_function=stream)).run('hello', event_stream_handler=handler))
    (response,) = memory.responses
    assert response.time_to_first_token == (None if expected is None else pytest.approx(expected))


def test_a_stream_that_its_handler_holds_is_not_slow_to_start(tap_clock: FakeClock):
    """A request counts as stalled by its own silence only."""
    stages: list[str | None] = []

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        yield {0: DeltaThinkingPart(signature='without content')}
        tap_clock.advance(29)
        stages.extend(each.stalled for each in tap.live().responses)
        tap_clock.advance(2)
        stages.extend(each.stalled for each in tap.live().responses)
        yield 'done'

    with Tap([MemorySink()], clock=tap_clock) as tap:
        handler = tap.beside(held(60, tap_clock, at='part_start'))
        asyncio.run(Agent(FunctionModel(stream_function=stream)).run('hello', event_stream_handler=handler))
    assert stages == [None, 'first_token']
