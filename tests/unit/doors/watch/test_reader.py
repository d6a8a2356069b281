"""What the reader of a run's output gets, by `tap.watch(result.stream_text())` and its siblings, within the run."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelRetry
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel

from streamtap import Distribution, Live, ReaderRecord, Tap
from streamtap.testing import FakeClock, MemorySink, capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from streamtap.testing import Capture


FIRST, EVERY = 0.25, 0.125
"""Seconds until the first chunk of a scripted answer, and from one chunk to the next."""


class Person(BaseModel):
    """An output that cannot be shown before its last field."""

    name: str
    age: int


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def seen(clock: FakeClock) -> Iterator[Capture]:
    with capture(clock=clock) as found:
        yield found
        assert found.faults() == []


def speaker(clock: FakeClock, *deltas: Any, tap: Tap | None, **options: Any) -> Agent[Any, Any]:
    """An agent whose model takes its time for each chunk, on that clock; measured by the capability of a tap."""

    async def stream(messages: object, info: object) -> AsyncIterator[Any]:
        for place, delta in enumerate(deltas):
            clock.advance(EVERY if place else FIRST)
            yield delta
            await asyncio.sleep(0)

    capabilities = [] if tap is None else [tap.capability()]
    return Agent(FunctionModel(stream_function=stream), name='speaker', capabilities=capabilities, **options)


def arguments(*pieces: str) -> list[dict[int, DeltaToolCall]]:
    """A call of the output tool, in pieces."""
    return [{0: DeltaToolCall('final_result', pieces[0], tool_call_id='c')}] + [
        {0: DeltaToolCall(json_args=piece)} for piece in pieces[1:]
    ]


async def texts(made: Agent[Any, Any], watch: Callable[[Any], Any], debounce_by: float | None = None) -> list[str]:
    """Every text that a reader gets."""
    async with made.run_stream('hello') as result:
        return [text async for text in watch(result.stream_text(debounce_by=debounce_by))]


def unchanged(items: Any) -> Any:
    """What is watched without a tap."""
    return items


def test_a_text_is_measured_as_its_reader_gets_it_within_its_run(clock: FakeClock, seen: Capture):
    """No run of its own, and every figure of the reader."""
    got = asyncio.run(texts(speaker(clock, 'so ', 'far', ' so', ' good', tap=seen.tap), seen.tap.watch))
    assert got == ['so ', 'so far', 'so far so', 'so far so good']
    run = seen.run()
    assert run.reader == ReaderRecord(
        items=4,
        time_to_first_item=0.25,
        first_item_delay=0.0,
        inter_item_latencies=Distribution.of_values([0.125, 0.125, 0.125]),
        inter_item_latency_sum=0.375,
        max_inter_item_latency=0.125,
        failed_partials=0,
    )
    assert (run.door, run.time_to_first_output, run.first_output_seen_by) == (
        'capability',
        0.25,
        'reader',
    )
    assert [(r.outcome, r.stop_seconds, r.chunks_after_stop) for r in seen.responses()] == [('success', None, None)]


def test_a_text_that_nobody_watches_is_as_the_model_sent_it(clock: FakeClock, seen: Capture):
    """The record says so."""
    asyncio.run(texts(speaker(clock, 'so ', 'far', tap=seen.tap), unchanged))
    run = seen.run()
    assert (run.reader, run.time_to_first_output, run.first_output_seen_by) == (None, 0.25, 'model')


def test_what_debouncing_holds_back_is_the_readers_blank_screen(clock: FakeClock, seen: Capture):
    """The model's first token is as early as ever."""
    got = asyncio.run(texts(speaker(clock, 'so ', 'far', ' so', tap=seen.tap), seen.tap.watch, debounce_by=5))
    assert got == ['so far so']
    run = seen.run()
    assert run.reader is not None
    assert (run.reader.items, run.reader.first_item_delay) == (1, 0.25)
    assert run.time_to_first_output == 0.5
    assert [r.time_to_first_token for r in seen.responses()] == [0.25]


def test_outputs_that_are_not_complete_enough_are_counted(clock: FakeClock, seen: Capture):
    """A required field that comes last keeps the screen blank to the end."""
    made = speaker(clock, *arguments('{"na', 'me":"', 'Ada"', ',"age":36}'), tap=seen.tap, output_type=Person)

    async def main() -> list[Person]:
        async with made.run_stream('hello') as result:
            return [output async for output in seen.tap.watch(result.stream_output(debounce_by=None))]

    assert asyncio.run(main()) == [Person(name='Ada', age=36)] * 2
    run = seen.run()
    assert run.reader is not None
    assert (run.reader.items, run.reader.failed_partials) == (2, 3)
    assert run.reader.time_to_first_item == 0.625
    assert run.reader.first_item_delay == 0.375


def test_an_output_that_a_validator_refuses_for_now_is_counted(clock: FakeClock, seen: Capture):
    """It is asked for each partial output as well."""
    made = speaker(clock, 'so ', 'far', ' so', tap=seen.tap)

    @made.output_validator
    def long_enough(output: str) -> str:
        if len(output) < 5:
            raise ModelRetry('too short')
        return output

    async def main() -> list[str]:
        async with made.run_stream('hello') as result:
            return [output async for output in seen.tap.watch(result.stream_output(debounce_by=None))]

    assert asyncio.run(main()) == ['so far', 'so far so', 'so far so']
    assert seen.run().reader is not None
    assert [(run.reader.items, run.reader.failed_partials) for run in seen.runs() if run.reader] == [(3, 1)]
    assert seen.run().output_retries == 0


def test_a_response_has_something_to_show_when_it_has_output(clock: FakeClock, seen: Capture):
    """Not while it only thinks; and pydantic-ai gives it once more when it is complete."""
    made = speaker(clock, {0: DeltaThinkingPart(content='hm')}, 'so ', 'far', tap=seen.tap)

    async def main() -> int:
        async with made.iter('hello') as run:
            async for node in run:
                if Agent.is_model_request_node(node):
                    async with node.stream(run.ctx) as stream:
                        return len([each async for each in seen.tap.watch(stream.stream_response(debounce_by=None))])
        return 0

    items = asyncio.run(main())
    run = seen.run()
    assert run.reader is not None
    assert 0 < run.reader.items < items
    assert run.time_to_first_output == 0.375


def test_a_wrapper_is_measured_when_it_is_told_whose_output_it_is(clock: FakeClock, seen: Capture):
    """Nothing else leads to the run."""
    made = speaker(clock, 'so ', 'far', tap=seen.tap)

    async def main() -> list[str]:
        async with made.run_stream('hello') as result:

            async def lines() -> AsyncIterator[str]:
                async for text in result.stream_text(delta=True, debounce_by=None):
                    yield f'data: {text}\n\n'

            return [line async for line in seen.tap.watch(lines(), run_id=result.run_id)]

    assert asyncio.run(main()) == ['data: so \n\n', 'data: far\n\n']
    assert [run.reader.items for run in seen.runs() if run.reader] == [2]


def test_the_time_between_items_is_the_readers_own_as_well(clock: FakeClock, seen: Capture):
    """A slow reader is a slow screen."""
    made = speaker(clock, 'so ', 'far', tap=seen.tap)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            async for _ in seen.tap.watch(result.stream_text(debounce_by=None)):
                clock.advance(2)

    asyncio.run(main())
    assert [run.reader.max_inter_item_latency for run in seen.runs() if run.reader] == [2.125]


def test_a_handler_reads_a_text_of_a_run_that_it_measures(clock: FakeClock, seen: Capture):
    """The tap does not see the events then, but it does see what the handler gets."""

    async def mine(ctx: object, events: Any) -> None:
        if hasattr(events, 'stream_text'):
            async for _ in seen.tap.watch(events.stream_text(debounce_by=None)):
                pass

    made = speaker(clock, 'so ', 'far', tap=None)
    asyncio.run(made.run('hello', event_stream_handler=seen.tap.beside(mine)))
    run = seen.run()
    assert run.reader is not None
    assert (run.door, run.reader.items, run.reader.failed_partials) == ('handler', 2, None)
    assert (run.time_to_first_output, run.first_output_seen_by) == (0.25, 'reader')


def test_a_text_whose_run_nobody_measures_only_passes_through(clock: FakeClock, seen: Capture):
    """A run that consists of a text alone is none."""
    assert asyncio.run(texts(speaker(clock, 'so ', 'far', tap=None), seen.tap.watch)) == ['so ', 'so far']
    assert seen.moments() == []
    assert seen.tap.live() == Live()


def test_a_text_that_is_watched_before_anybody_reads_it_has_no_reader(clock: FakeClock, seen: Capture):
    """Somebody else reads it."""
    made = speaker(clock, 'so ', 'far', tap=seen.tap)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            watched = seen.tap.watch(result.stream_text())
            await result.get_output()
            del watched

    asyncio.run(main())
    assert (seen.run().reader, seen.run().first_output_seen_by) == (None, 'model')


def test_two_taps_and_a_tap_twice_count_an_item_once_each(clock: FakeClock):
    """Whichever way round they are."""
    with capture(clock=clock) as one, capture(clock=clock) as other:

        def watch(items: Any) -> Any:
            return one.tap.watch(one.tap.watch(other.tap.watch(items)))

        made = speaker(clock, 'so ', 'far', tap=one.tap)
        made_for_both = Agent(made.model, name='speaker', capabilities=[one.tap.capability(), other.tap.capability()])
        asyncio.run(texts(made_for_both, watch))
        assert [run.reader.items for run in (*one.runs(), *other.runs()) if run.reader] == [2, 2]


def test_several_readers_of_one_run_are_added_up(clock: FakeClock, seen: Capture):
    """The first item is the first of any; who reads a text that is complete gets it as one."""
    made = speaker(clock, 'so ', 'far', tap=seen.tap)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            for _ in range(2):
                async for _ in seen.tap.watch(result.stream_text(debounce_by=None)):
                    pass

    asyncio.run(main())
    run = seen.run()
    assert run.reader is not None
    assert (run.reader.items, run.time_to_first_output) == (2 + 1, 0.25)


# What a Stop costs


async def stop(made: Agent[Any, Any], clock: FakeClock, watch: Callable[[Any], Any], then: str) -> None:
    async with made.run_stream('hello') as result:
        async for _ in watch(result.stream_text(debounce_by=None)):
            break
        clock.advance(2)
        if then == 'it is read by others':
            await result.get_output()
        elif then == 'it is read again':
            async for _ in watch(result.stream_text(debounce_by=None)):
                pass


@pytest.mark.parametrize(
    ('then', 'expected'),
    [
        ('it is closed', ('cancelled', 2.0, 0)),
        ('it is read by others', ('success', 2.25, 2)),
        ('it is read again', ('success', None, None)),
    ],
)
def test_a_stop_costs_what_goes_on_after_it(then: str, expected: Any, clock: FakeClock, seen: Capture):
    """From the moment the reader leaves to the end of the response."""
    asyncio.run(stop(speaker(clock, 'so ', 'far', ' so', tap=seen.tap), clock, seen.tap.watch, then))
    (response,) = seen.responses()
    assert (response.outcome, response.stop_seconds, response.chunks_after_stop) == expected


def test_a_stream_that_is_closed_was_left(clock: FakeClock, seen: Capture):
    """`aclose()` is a Stop like any other, and closes the text."""
    made = speaker(clock, 'so ', 'far', ' so', tap=seen.tap)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            text = result.stream_text(debounce_by=None)
            watched: Any = seen.tap.watch(text)
            await anext(watched)
            await watched.aclose()
            clock.advance(3)
            with pytest.raises(StopAsyncIteration):
                await anext(text)

    asyncio.run(main())
    assert [response.stop_seconds for response in seen.responses()] == [3.0]


def test_one_of_two_readers_that_leaves_is_no_stop(clock: FakeClock, seen: Capture):
    """The other one reads on."""
    made = speaker(clock, 'so ', 'far', ' so', tap=seen.tap)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            stays = aiter(seen.tap.watch(result.stream_text(debounce_by=None)))
            leaves = aiter(seen.tap.watch(result.stream_text(debounce_by=None)))
            await anext(stays)
            await anext(leaves)
            del leaves
            async for _ in stays:
                pass

    asyncio.run(main())
    assert [(r.outcome, r.stop_seconds) for r in seen.responses()] == [('success', None)]


def test_a_run_that_is_stopped_before_its_first_item_showed_nothing(clock: FakeClock, seen: Capture):
    """The screen stayed blank, whatever the model had sent by then."""
    made = speaker(clock, *arguments('{"na', 'me":"', 'Ada"'), tap=seen.tap, output_type=Person)

    async def main() -> None:
        async with made.run_stream('hello') as result:
            async for _ in seen.tap.watch(result.stream_output(debounce_by=None)):
                pass

    with pytest.raises(Exception, match='validation failed'):
        asyncio.run(main())
    run = seen.run()
    assert run.reader == ReaderRecord(items=0, failed_partials=3)
    assert (run.time_to_first_output, run.first_output_seen_by) == (None, None)


# The reader must not notice


async def seen_by_reader(watch: Callable[[Any], Any], clock: FakeClock, tap: Tap | None, way: str) -> list[str]:
    """Everything that a reader gets to see of a text that comes to its end, fails, or is left, thrown into or cancelled."""
    deltas: list[Any] = ['so ', 'far', ' so']
    lines: list[str] = []
    made = speaker(clock, *deltas, tap=tap)

    @made.output_validator
    def fails(output: str) -> str:
        if way == 'fails' and output == 'so far':
            raise LookupError('no such text')
        return output

    try:
        async with made.run_stream('hello') as result:
            text = watch(result.stream_text(debounce_by=None))
            lines.append(type(text.__aiter__()).__name__ if way == 'class' else '')
            async for each in text:
                lines.append(each)
                if way == 'break':
                    break
                if way == 'close':
                    await text.aclose()
                if way == 'throw':
                    lines.append(repr(await text.athrow(KeyError('mine'))))
                if way == 'raise':
                    raise LookupError('mine')
                if way == 'cancel':
                    task = asyncio.current_task()
                    assert task is not None
                    task.cancel()
            lines += [repr(result.is_complete), str(len(result.all_messages()))]
    except (Exception, asyncio.CancelledError) as error:
        lines += [repr(error), repr(error.__cause__), repr(error.__context__)]
    return lines


@pytest.mark.parametrize('way', ['end', 'fails', 'break', 'close', 'throw', 'raise', 'cancel'])
def test_a_reader_gets_what_it_would_get_without_the_tap(way: str, clock: FakeClock, seen: Capture):
    """The same items, the same exceptions, the same end."""

    def run(watch: Callable[[Any], Any], tap: Tap | None) -> list[str]:
        with contextlib.suppress(asyncio.CancelledError):
            return asyncio.run(seen_by_reader(watch, clock, tap, way))
        return ['cancelled']

    assert run(seen.tap.watch, seen.tap) == run(unchanged, None)
    assert len(seen.runs()) == 1
    assert seen.tap.live() == Live()


def test_a_text_that_is_broken_off_is_let_go_of_at_once(clock: FakeClock, seen: Capture):
    """Its generator is closed as early as without the tap."""
    closed: list[str] = []

    async def text() -> AsyncIterator[str]:
        try:
            yield 'so '
            yield 'far'
        finally:
            closed.append('closed')

    async def main() -> None:
        made = speaker(clock, 'so ', 'far', tap=seen.tap)
        async with made.run_stream('hello') as result:
            async for _ in seen.tap.watch(text(), run_id=result.run_id):
                break
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert closed == ['closed']

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


def test_a_tap_that_is_off_passes_a_text_through(clock: FakeClock):
    """And measures nothing."""
    memory = MemorySink()
    tap = Tap([memory], enabled=False)
    assert asyncio.run(texts(speaker(clock, 'so ', 'far', tap=tap), tap.watch)) == ['so ', 'so far']
    assert memory.moments == []


def test_a_run_id_is_text(seen: Capture):
    """A result has it, and is it not."""
    wrong: Any = object()

    async def text() -> AsyncIterator[str]:
        yield 'so'

    with pytest.raises(TypeError, match=r'result\.run_id'):
        seen.tap.watch(text(), run_id=wrong)
