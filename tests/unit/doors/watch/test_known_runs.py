"""The watch door: a run that its events lead to is followed where it goes, whatever its events show of that."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai import ModelRequest, direct
from pydantic_ai.models.test import TestModel

from streamtap.testing import FakeClock, capture
from support.ending_agents import BUSY, NOTHING, TOOL, Segments, asking, paused, script
from support.endings import Ending, Reader, ag_ui
from support.event_readers import native
from support.pydantic_ai_features import needs
from support.scripted import Silence

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import StreamedResponse
    from pydantic_ai.models.function import AgentInfo

    from streamtap.testing import Capture

pytestmark = needs('response_model_ids')

PLACES = [('run', 'capability'), ('run', 'handler'), ('events', 'watch'), ('adapter', 'watch'), ('nodes', 'watch')]


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


def reader(ending: Ending, door: str, seen: Capture) -> Reader:
    """Reads a run with the tap at one of its doors."""
    made = ending.make([seen.tap.capability(stream=True)] if door == 'capability' else [])
    if door == 'watch':
        return Reader(ending, made, watch=seen.tap.watch)
    return Reader(ending, made, handler=seen.tap if door == 'handler' else None)


@pytest.mark.parametrize(('way', 'door'), PLACES)
@pytest.mark.parametrize('pauses', [1, 2])
def test_a_paused_turn_that_hangs_is_in_progress_and_stalled(pauses: int, way: str, door: str):
    """Its provider was asked to go on, and says nothing."""
    clock = FakeClock()
    segments = [['so '], ['far ']][:pauses]
    with capture(clock=clock, stall_after=5) as seen:

        async def main() -> None:
            ending = Ending(asking(lambda: paused(pauses, *segments, [Silence()])))
            reading = asyncio.create_task(reader(ending, door, seen).to_its_end(way))
            for _ in range(100):
                await asyncio.sleep(0)
            assert [(each.chunks, each.stalled) for each in seen.tap.live().responses] == [(pauses, None)]
            clock.advance(6)
            assert [each.stalled for each in seen.tap.live().responses] == ['mid_stream']
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

        asyncio.run(main())
        assert seen.tap.live().responses == ()
        assert [(each.outcome, each.stalls, each.stall_seconds) for each in seen.responses()] == [('cancelled', 1, 6)]


class Slow(Segments):
    """A model whose provider takes its time before each segment."""

    clock: FakeClock

    @contextlib.asynccontextmanager
    async def request_stream(self, *args: Any, **options: Any) -> AsyncGenerator[StreamedResponse]:
        self.clock.advance(2)
        async with super().request_stream(*args, **options) as stream:
            yield stream


@pytest.mark.parametrize(('way', 'door'), PLACES)
@pytest.mark.parametrize('pauses', [1, 2])
def test_the_pause_of_a_turn_is_in_its_gaps(pauses: int, way: str, door: str):
    """It is one response, with the parts of all its segments."""
    clock = FakeClock()

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield 'so '
        yield 'far'

    def slow() -> Slow:
        made = Slow(stream_function=stream)
        made.pauses, made.clock = pauses, clock
        return made

    with capture(clock=clock, stall_after=5) as seen:
        asyncio.run(reader(Ending(asking(slow)), door, seen).to_its_end(way))
        (response,) = seen.responses()
        assert ([part.kind for part in response.parts], response.chunks) == (['text'] * (pauses + 1), 2 + 2 * pauses)
        assert (response.max_inter_chunk_latency, response.inter_chunk_latency_sum) == (2, 2 * pauses)
        assert (response.outcome, response.stalls) == ('success', 0)


@pytest.mark.parametrize('way', ['events', 'adapter'])
def test_a_request_that_waits_for_its_first_token_is_in_progress(way: str, seen: Capture):
    """Also after a round of tools, and after an answer that nobody saw."""

    async def main() -> None:
        ending = Ending(script(TOOL, NOTHING, [Silence()]))
        reading = asyncio.create_task(reader(ending, 'watch', seen).to_its_end(way))
        for _ in range(150):
            await asyncio.sleep(0)
        assert [(each.model, each.chunks) for each in seen.tap.live().responses] == [('scripted', 0)]
        assert [each.step for each in seen.responses()] == [1, 2]
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading

    asyncio.run(main())
    assert [(each.step, each.outcome) for each in seen.responses()] == [
        (1, 'success'),
        (2, 'success'),
        (3, 'cancelled'),
    ]


def test_a_generator_that_another_door_measures_is_counted_once(seen: Capture):
    """It leads to its run, and so to the run's id."""

    async def main() -> None:
        made = script(TOOL, ['done'])([seen.tap.capability()])
        async for _ in seen.tap.watch(native(made)):
            pass
        async for _ in seen.tap.watch(ag_ui(script(['done'])([seen.tap.capability()])).run_stream_native()):
            pass

    asyncio.run(main())
    assert [(run.door, run.requests) for run in seen.runs()] == [('capability', 2), ('capability', 1)]


def test_a_generator_that_tells_nobody_of_a_failure_hides_none(seen: Capture):
    """As one that makes an event of it for a browser."""

    async def polite() -> AsyncIterator[Any]:
        try:
            async for event in native(script(TOOL, ['so ', BUSY])([])):
                yield event.event_kind
        except Exception:
            yield 'something went wrong'

    async def main() -> list[Any]:
        return [event async for event in seen.tap.watch(polite())]

    assert asyncio.run(main())[-1] == 'something went wrong'
    assert [(run.outcome, run.error_type, run.requests) for run in seen.runs()] == [('error', 'ModelHTTPError_503', 2)]
    assert [(each.step, each.outcome, each.input_tokens) for each in seen.responses()] == [
        (1, 'success', 50),
        (2, 'error', 50),
    ]


def test_the_protocol_of_an_adapter_leads_to_its_run(seen: Capture):
    """Its events are no longer Pydantic AI's, and begin before the run does: nothing has a time, and all is counted."""

    async def main() -> None:
        for turn in (['done'], ['so ', BUSY]):
            async for _ in seen.tap.watch(ag_ui(script(TOOL, turn)([])).run_stream()):
                pass

    asyncio.run(main())
    assert [(run.agent, run.outcome, run.requests, run.input_tokens) for run in seen.runs()] == [
        ('scripted', 'success', 2, 100),
        ('scripted', 'error', 2, 100),
    ]
    assert [(each.step, each.outcome, each.time_to_first_token) for each in seen.responses()] == [
        (1, 'success', None),
        (2, 'success', None),
        (1, 'success', None),
        (2, 'error', None),
    ]


def test_of_two_runs_behind_one_generator_neither_is_made_up(seen: Capture):
    """What is read belongs to the one or the other; it is a run of its own, without their names."""

    async def both() -> AsyncIterator[Any]:
        makes = script(['so ', 'far']), script(['do', 'ne'])
        async with contextlib.AsyncExitStack() as stack:
            first, second = [await stack.enter_async_context(make([]).run_stream_events('hello')) for make in makes]
            async for event in first:
                yield event
            async for event in second:
                yield event

    async def main() -> None:
        async for _ in seen.tap.watch(both()):
            pass

    asyncio.run(main())
    assert [(run.agent, run.requests) for run in seen.runs()] == [('agent', 2)]


def test_a_response_whose_names_cannot_be_read_has_none():
    """A model of somebody's own may raise where its names are asked for; that is nothing for the run to notice."""

    class Nameless(TestModel):
        @contextlib.asynccontextmanager
        async def request_stream(self, *args: Any, **options: Any) -> AsyncGenerator[StreamedResponse]:
            async with super().request_stream(*args, **options) as stream:
                stream.__class__ = type('Stream', (type(stream),), {'provider_name': property(raising)})
                yield stream

    def raising(_: object) -> str:
        raise LookupError('no name')

    async def main() -> None:
        asked = [ModelRequest.user_text_prompt('hello')]
        async with direct.model_request_stream(Nameless(custom_output_text='so it is'), asked) as stream:
            events = aiter(seen.tap.watch(stream))
            await anext(events)

    with capture() as seen:
        asyncio.run(main())
        assert [(each.provider, each.model) for each in seen.responses()] == [('', 'test')]
        assert [run.outcome for run in seen.runs()] == ['cancelled']
