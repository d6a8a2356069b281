"""The watch door: streams that are let go of, collected, looked at from elsewhere, or read on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pydantic_ai
import pytest
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.exceptions import UsageLimitExceeded
from pydantic_ai.messages import PartStartEvent, TextPart

from streamtap import Live, Tap
from streamtap.testing import MemorySink, capture
from support.event_readers import read
from support.pydantic_ai_features import needs
from support.scripted import Calls, Silence, agent
from support.traced_tap import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from streamtap.testing import Capture


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


def test_a_stream_that_its_own_reader_holds_is_collected(seen: Capture):
    """Nothing of the tap's keeps what nobody else holds."""

    class Conversation:
        def __init__(self) -> None:
            self.events = aiter(seen.tap.watch(self.read()))

        async def read(self) -> AsyncIterator[Any]:
            yield PartStartEvent(index=0, part=TextPart('so '))
            yield PartStartEvent(index=1, part=TextPart('far'))

    async def main() -> None:
        await anext(Conversation().events)
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [run.outcome for run in seen.runs()] == ['cancelled']

    asyncio.run(main())


def test_a_run_that_was_read_is_gone_without_the_garbage_collector(seen: Capture):
    """As without the tap: nothing of its is in a cycle."""

    async def main() -> weakref.ref[object]:
        async with agent([Calls('nap')], ['done']).run_stream_events('hello') as events:
            async for _ in seen.tap.watch(events):
                pass
            return weakref.ref(events)

    gc.disable()
    try:
        assert asyncio.run(main())() is None
    finally:
        gc.enable()


def test_a_node_whose_reader_was_cancelled_is_found_by_who_asks_right_after(seen: Capture):
    """Its exception holds it in a cycle."""

    async def main() -> None:
        async with agent(['so ', 'far']).iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as events:
                        async for _ in seen.tap.watch(events):
                            task = asyncio.current_task()
                            assert task is not None
                            task.cancel()

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main())
    assert [run.outcome for run in seen.runs()] == ['cancelled']
    assert seen.tap.live().runs == ()


@pytest.mark.parametrize('mode', ['nodes', 'native'])
def test_a_cancelled_wait_ends_the_response_at_once(mode: str, seen: Capture):
    """Whatever keeps the exception, and so the events, from being collected."""
    kept: list[BaseException] = []

    async def main() -> None:
        reading = asyncio.create_task(read(agent(['so ', Silence()]), mode, seen.tap.watch))
        while [response.chunks for response in seen.tap.live().responses if response.wait is not None] != [1]:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        reading.cancel()
        try:
            await reading
        except asyncio.CancelledError as error:
            kept.append(error)
        assert [(r.chunks, r.outcome) for r in seen.responses()] == [(1, 'cancelled')]

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
    assert len(kept) == 1


def test_events_that_are_broken_off_are_let_go_of_at_once(seen: Capture):
    """A generator is closed then; closed any later, it could be in the midst of its loop's end."""

    class Some:
        def __aiter__(self) -> Some:
            return self

        async def __anext__(self) -> Any:
            return PartStartEvent(index=0, part=TextPart('so '))

    async def main() -> None:
        events = Some()
        gone = weakref.ref(events)
        watched = aiter(seen.tap.watch(events))
        del events
        await anext(watched)
        del watched
        assert gone() is None

    asyncio.run(main())
    assert [run.outcome for run in seen.runs()] == ['cancelled']


def test_a_stream_that_is_collected_after_its_loop_is_reported_by_the_next_who_looks():
    """Collected, it may be inside anybody's lock: nothing is done there."""
    memory = MemorySink()
    tap = Tap([memory])

    async def some() -> AsyncIterator[Any]:
        yield PartStartEvent(index=0, part=TextPart('so '))
        yield PartStartEvent(index=1, part=TextPart('far'))

    async def main() -> list[Any]:
        watched = aiter(tap.watch(some()))
        await anext(watched)
        return [watched]

    held = asyncio.run(main())
    del held[:]
    assert memory.runs == []
    assert tap.live().runs == ()
    assert [run.outcome for run in memory.runs] == ['cancelled']


def test_what_is_open_can_be_asked_while_streams_begin(seen: Capture):
    """A scrape comes from another thread, at any moment."""
    failures: list[Exception] = []
    is_over = threading.Event()

    async def some() -> AsyncIterator[Any]:
        yield PartStartEvent(index=0, part=TextPart('so'))

    def ask() -> None:
        try:
            while not is_over.is_set():
                seen.tap.live()
        except Exception as error:
            failures.append(error)

    async def main() -> None:
        held: list[Any] = []
        for _ in range(2000):
            held.append(aiter(seen.tap.watch(some())))
            await anext(held[-1])

    interval = sys.getswitchinterval()
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        sys.setswitchinterval(1e-6)
        asyncio.run(main())
    finally:
        sys.setswitchinterval(interval)
        is_over.set()
        asking.join()
    assert failures == []


def test_a_run_that_a_scrape_finds_first_is_where_it_was_begun():
    """Its span is inside the one that was current for whoever reads the events, not for the scrape."""
    found = traced()

    async def main() -> None:
        made = agent([Silence()], name='a')
        with found.provider.get_tracer('mine').start_as_current_span('mine'):
            async with made.run_stream_events('hello') as events:
                asked = asyncio.ensure_future(anext(aiter(found.tap.watch(events))))
                # Not `to_thread`, which would take the span along.
                loop = asyncio.get_running_loop()
                while not (open_now := await loop.run_in_executor(None, found.tap.live)).runs:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
                assert [run.agent for run in open_now.runs] == ['a']
                asked.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await asked

    asyncio.run(main())
    assert found.tree()[:2] == ['mine [mine]', '  invoke_agent a [streamtap]']


@needs('sent_requests')
def test_a_request_that_a_limit_forbids_was_never_made(seen: Capture):
    """The run ends before its first event, with as many requests as its usage has."""

    async def main() -> None:
        limits = UsageLimits(request_limit=0)
        async with agent(['never']).run_stream_events('hello', usage_limits=limits) as events:
            with pytest.raises(UsageLimitExceeded):
                async for _ in seen.tap.watch(events):
                    pass
            assert events.usage.requests == 0

    asyncio.run(main())
    assert [moment for moment, _ in seen.moments()] == ['run_started', 'run_ended']
    assert [(run.outcome, run.requests) for run in seen.runs()] == [('limit', 0)]


def test_a_run_that_is_stopped_before_it_begins_is_none(seen: Capture):
    """pydantic-ai knows neither its name nor its messages then, and the tap makes none up."""

    async def main() -> None:
        async def run() -> None:
            async with agent(['never'], name='a').run_stream_events('hello') as events:
                async for _ in seen.tap.watch(events):
                    pass

        task = asyncio.create_task(run())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert seen.moments() == []
    assert seen.tap.live() == Live()


def test_a_run_that_is_stopped_before_its_first_request_has_none(seen: Capture):
    """The run's token is cancelled before the run has made any message."""

    async def main() -> None:
        token = pydantic_ai.CancellationToken()
        token.cancel()
        async with agent(['never'], name='a').run_stream_events('hello', cancellation_token=token) as events:
            with pytest.raises(pydantic_ai.exceptions.RunCancelled):
                async for _ in seen.tap.watch(events):
                    pass

    asyncio.run(main())
    assert seen.responses() == []
    assert [(run.agent, run.outcome, run.requests) for run in seen.runs()] == [('a', 'cancelled', 0)]


def test_a_response_that_is_left_has_not_the_usage_of_the_one_before(seen: Capture):
    """It has its own, as far as it came: pydantic-ai books that when the run is stopped."""

    async def main() -> None:
        async with agent([Calls('nap')], ['so ', 'far']).run_stream_events('hello') as events:
            responses = 0
            async for event in seen.tap.watch(events):
                responses += event.event_kind == 'part_start'
                if responses == 2:
                    break

    asyncio.run(main())
    assert [(r.step, r.outcome, r.input_tokens) for r in seen.responses()] == [
        (1, 'success', 50),
        (2, 'cancelled', 50),
    ]
    assert [run.input_tokens for run in seen.runs()] == [100]


@pytest.mark.parametrize('turn', [['so ', 'far', 'away', 'and on'], ['so ', 'far', ConnectionError('gone')]])
def test_a_response_that_broke_has_the_usage_it_was_billed(turn: Any, seen: Capture):
    """pydantic-ai keeps what came of it among the run's messages."""

    async def main() -> tuple[int, int]:
        limits = UsageLimits(output_tokens_limit=2)
        async with agent(turn).run_stream_events('hello', usage_limits=limits) as events:
            with pytest.raises((UsageLimitExceeded, ConnectionError)):
                async for _ in seen.tap.watch(events):
                    pass
            return events.usage.input_tokens, events.usage.output_tokens

    billed = asyncio.run(main())
    assert [(r.input_tokens, r.output_tokens) for r in seen.responses()] == [billed]
    assert [(run.requests, run.input_tokens, run.output_tokens) for run in seen.runs()] == [(1, *billed)]
    assert all(r.time_to_first_token is not None for r in seen.responses())


@pytest.mark.parametrize('mode', ['events', 'nodes'])
@pytest.mark.parametrize('is_at_once', [True, False])
def test_a_stream_that_is_watched_again_is_counted_once(mode: str, is_at_once: bool):  # noqa: FBT001
    """Read on at once it is as if nothing was; later it was broken off, and no token is there twice."""
    with capture() as seen:

        async def read(events: Any) -> None:
            async for event in seen.tap.watch(events):
                if event.event_kind == 'part_delta':
                    break
            if not is_at_once:
                await asyncio.sleep(0)
            async for _ in seen.tap.watch(events):
                pass

        async def main() -> int:
            made = agent(['so ', 'far', Calls('nap')], ['do', 'ne'])
            if mode == 'events':
                async with made.run_stream_events('hello') as events:
                    await read(events)
                    return events.usage.output_tokens
            async with made.iter('hello') as run:
                async for node in run:
                    if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                        async with node.stream(run.ctx) as events:
                            await read(events)
                return run.usage.output_tokens

        billed = asyncio.run(main())
        told = [r.output_tokens or 0 for r in seen.responses()]
        assert len(seen.runs()) == 1
        if is_at_once:
            assert [(run.outcome, run.requests, run.tool_calls) for run in seen.runs()] == [('success', 2, 1)]
            assert [r.chunks for r in seen.responses()] == [3, 2]
            assert sum(told) == billed
        else:
            assert seen.responses()[0].outcome == 'cancelled'
            assert sum(told) <= billed
