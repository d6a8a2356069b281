"""When a run of the handler door ends, and how, is known as it happens; where it is not, no length is made up."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic_ai import RunContext, UsageLimits
from pydantic_ai.exceptions import UsageLimitExceeded

from streamtap import Progress, PrometheusSink, UsageSink
from streamtap._display.bars import request_bars
from streamtap.testing import FakeClock, MemorySink, capture
from support.scripted import Calls, agent
from support.traced_tap import traced

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from pydantic_ai import Agent

    from streamtap.testing import Capture

TURNS = ([Calls('nap')], ['do', 'ne', '.'])


async def read_to_the_end(made: Agent[None, str], seen: Capture) -> None:
    async with made.run_stream('hello', event_stream_handler=seen.tap) as result:
        await result.get_output()
        await asyncio.sleep(0.05)


async def break_off(made: Agent[None, str], seen: Capture) -> None:
    async with made.run_stream('hello', event_stream_handler=seen.tap) as result:
        async for _ in result.stream_text(debounce_by=None):
            break


async def raise_in_the_stream(made: Agent[None, str], seen: Capture) -> None:
    async with made.run_stream('hello', event_stream_handler=seen.tap) as result:
        async for _ in result.stream_text(debounce_by=None):
            raise LookupError


async def raise_after_the_stream(made: Agent[None, str], seen: Capture) -> None:
    async with made.run_stream('hello', event_stream_handler=seen.tap) as result:
        await result.get_output()
        raise LookupError


async def reach_a_limit(made: Agent[None, str], seen: Capture) -> None:
    await made.run('hello', event_stream_handler=seen.tap, usage_limits=UsageLimits(request_limit=1))


async def raise_in_the_instructions(made: Agent[None, str], seen: Capture) -> None:
    asked: list[None] = []

    @made.instructions
    def second_time() -> str:  # pyright: ignore[reportUnusedFunction]
        asked.append(None)
        if len(asked) > 1:
            raise LookupError
        return ''

    await made.run('hello', event_stream_handler=seen.tap)


async def run_while_an_exception_is_handled(made: Agent[None, str], seen: Capture) -> None:
    try:
        raise LookupError
    except LookupError:
        await made.run('hello', event_stream_handler=seen.tap)


@pytest.mark.parametrize(
    ('way', 'outcome', 'error_type'),
    [
        (read_to_the_end, 'success', None),
        (break_off, 'cancelled', None),
        (raise_in_the_stream, 'error', 'LookupError'),
        (raise_after_the_stream, 'error', 'LookupError'),
        (reach_a_limit, 'limit', 'UsageLimitExceeded'),
        (raise_in_the_instructions, 'error', 'LookupError'),
        (run_while_an_exception_is_handled, 'success', None),
    ],
)
def test_the_handler_door_knows_how_a_run_ended(
    way: Callable[[Agent[None, str], Capture], Awaitable[None]], outcome: str, error_type: str | None
):
    """Also where that is decided after its last call; the capability says the same."""

    async def main(seen: Capture, made: Agent[None, str]) -> None:
        with contextlib.suppress(LookupError, UsageLimitExceeded):
            await way(made, seen)

    with capture() as seen:
        asyncio.run(main(seen, agent(*TURNS)))
        assert [(run.outcome, run.error_type) for run in seen.runs()] == [(outcome, error_type)]
        assert seen.faults() == []
    with capture() as seen:
        asyncio.run(main(seen, agent(*TURNS, capabilities=[seen.tap.capability()])))
        assert [(run.door, run.outcome, run.error_type) for run in seen.runs()] == [('capability', outcome, error_type)]


def test_the_length_of_a_run_stream_is_that_of_its_whole_body():
    """Though its handler sees nothing after the final result began; where the time went, nobody knows."""
    with capture() as seen:
        asyncio.run(read_to_the_end(agent(*TURNS), seen))
        run, (*_, last) = seen.run(), seen.responses()
    assert run.duration is not None
    assert run.duration >= 0.05
    assert run.phases == {}
    assert (last.outcome, last.duration, last.output_tokens_per_second) == ('incomplete', None, None)
    assert last.time_to_first_token is not None


@pytest.mark.parametrize('leaves', ['a timer', 'a task', 'a thread', 'a kept exception', 'a kept context'])
def test_a_run_is_reported_before_its_caller_goes_on_whatever_its_tool_leaves_behind(leaves: str):
    """A tool may leave something that holds the run, and with it all that pydantic-ai would release."""
    kept: list[object] = []
    memory = MemorySink()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        gone = threading.Event()
        made = agent([Calls('leave')], ['done'])

        @made.tool
        async def leave(ctx: RunContext[None]) -> str:  # pyright: ignore[reportUnusedFunction]
            if leaves == 'a timer':
                kept.append(loop.call_later(60, lambda: ctx))
            elif leaves == 'a task':
                kept.append(asyncio.create_task(asyncio.sleep(60, ctx)))
            elif leaves == 'a thread':
                thread = threading.Thread(target=lambda: (ctx, gone.wait(5)), daemon=True)
                thread.start()
                kept.append(thread)
            elif leaves == 'a kept context':
                kept.append(ctx)
            else:
                try:
                    raise LookupError
                except LookupError as error:
                    kept.append(error)
            return 'left'

        with capture() as seen:
            seen.tap.add_sink(memory)
            await made.run('hello', event_stream_handler=seen.tap)
            # Nothing is asked of the tap in between.
            assert [run.outcome for run in memory.runs] == ['success']
        gone.set()
        if leaves == 'a task':
            kept[0].cancel()  # type: ignore[attr-defined]

    asyncio.run(main())


def test_a_run_that_is_between_two_calls_is_in_progress():
    """However long it takes: it is over when that is told, and not after `settle_after` seconds."""
    clock = FakeClock()
    with capture(settle_after=1.0, clock=clock) as seen:
        made = agent(*TURNS)
        lived: list[int] = []

        @made.instructions
        def slow() -> str:  # pyright: ignore[reportUnusedFunction]
            clock.advance(30.0)
            lived.append(len(seen.tap.live().runs))
            return ''

        asyncio.run(made.run('hello', event_stream_handler=seen.tap))
        assert lived == [0, 1]
        assert [(run.outcome, run.duration) for run in seen.runs()] == [('success', 30.0)]
        assert seen.faults() == []


def test_a_run_that_is_open_when_the_tap_is_closed_has_no_length():
    """It goes on, and nobody will know when it ended."""
    memory = MemorySink()

    async def main() -> None:
        with capture() as seen:
            seen.tap.add_sink(memory)

            async def close(ctx: Any, events: AsyncIterable[object]) -> None:
                async for _ in events:
                    seen.tap.close()

            await agent(['done']).run('hello', event_stream_handler=seen.tap.beside(close))

    asyncio.run(main())
    assert [(run.outcome, run.duration, run.phases) for run in memory.runs] == [('incomplete', None, {})]


@pytest.mark.usefixtures('untold')
def test_a_length_that_nobody_knows_is_nowhere():
    """Where no end is told, what comes after the final result of `run_stream()` is not seen at all."""
    progress, registry = Progress(), CollectorRegistry()
    found = traced(sinks=[PrometheusSink(registry), UsageSink(), progress])

    async def main() -> None:
        async with agent(*TURNS).run_stream('hello', event_stream_handler=found.tap) as result:
            await result.get_output()

    asyncio.run(main())
    found.tap.flush()
    summary = found.tap.usage.summary()
    exposed = generate_latest(registry).decode()
    found.tap.close()
    (run,), (*_, last) = found.memory.runs, found.memory.responses
    assert (run.outcome, run.duration, run.phases) == ('incomplete', None, {})
    assert (last.outcome, last.duration, last.parts[-1].duration) == ('incomplete', None, None)
    assert summary.total.run_duration_p50 is None
    assert 'pydantic_ai_runs_total{agent="scripted",door="handler",nested="false",outcome="incomplete"} 1.0' in exposed
    assert 'pydantic_ai_run_duration_seconds_count{agent="scripted",nested="false",outcome="incomplete"}' not in exposed
    phases = re.findall(r'pydantic_ai_run_phase_seconds_total\{.*\} (.*)', exposed)
    assert set(phases) == {'0.0'}
    assert (
        'pydantic_ai_request_duration_seconds_count{agent="scripted",model="scripted",outcome="incomplete"'
        not in exposed
    )
    assert [bar.kind for bar in request_bars(last, 0.0)] == ['waiting']


@pytest.mark.parametrize('door', ['handler', 'capability'])
def test_while_a_run_is_open_it_says_whether_the_rest_of_its_answer_is_not_seen(door: str):
    """A handler of `run_stream()` is shown nothing after the final result began."""
    with capture() as seen:

        async def main() -> None:
            made = agent(['do', 'ne', '.'], capabilities=[seen.tap.capability()] if door == 'capability' else [])
            handler = seen.tap if door == 'handler' else None
            async with made.run_stream('hello', event_stream_handler=handler) as result:
                async for _ in result.stream_text(debounce_by=None):
                    live = seen.tap.live()
                    assert [run.is_unseen for run in live.runs] == [door == 'handler']
                    assert len(live.responses) == (door == 'capability')
                    break

        asyncio.run(main())
