"""Whole taps, given hostile runs: the run notices nothing, and all that was measured can be exported."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic_ai.messages import FunctionToolCallEvent, PartEndEvent, PartStartEvent, TextPart, ToolCallPart

from hostile.clocks import CLOCKS, JumpingClock
from hostile.exports import Exports
from hostile.runs import CALLS, RUNS, Call, HostileRun
from hostile.sound import faults
from hostile.texts import NAMES
from streamtap import Tap
from streamtap._doors.tool_round import MAX_CALLS
from streamtap._doors.watch.inferred_requests import MAX_WAITING
from streamtap.testing import MemorySink, capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator


@contextlib.contextmanager
def tapped(clock: JumpingClock) -> Generator[Tap]:
    """A tap with every sink, whose records and exports are looked at in the end."""
    exports, memory = Exports(), MemorySink()
    tap = Tap([*exports.sinks, memory], labels=('tenant', 'tier'), clock=clock, max_label_values=10)
    with tap:
        yield tap
        exports.check()
    exports.check()
    found = [fault for _, fact in memory.moments for fault in faults(fact)]
    assert not found, found
    assert len(memory.runs) == sum(moment == 'run_started' for moment, _ in memory.moments)
    ours = {fault.subject for fault in memory.faults if fault.kind == 'error'}
    # What a door makes of a nonsensical event may fail; a sink must not.
    assert ours <= {'handler', 'watch'}, memory.faults


@given(runs=st.lists(RUNS, min_size=1, max_size=3), clock=CLOCKS)
def test_a_handled_run_notices_nothing(runs: list[HostileRun], clock: JumpingClock):
    """Whatever its handler is called with, out of the tap comes what the stream itself raises, and nothing else."""

    async def handle(tap: Tap, run: HostileRun, call: Call, step: int) -> BaseException | None:
        try:
            await tap(run.context(call, step), call.stream)
        except BaseException as error:
            return error
        return None

    async def handle_all(tap: Tap) -> None:
        for run in runs:
            for step, call in enumerate(run.calls):
                assert await handle(tap, run, call, step) is call.ends_with

    with tapped(clock) as tap:
        asyncio.run(handle_all(tap))


@given(calls=st.lists(CALLS, min_size=1, max_size=3), names=st.tuples(NAMES, NAMES, NAMES), clock=CLOCKS)
def test_who_watches_gets_every_event(calls: list[Call], names: tuple[str, str, str], clock: JumpingClock):
    """The same objects in the same order, and then what the stream itself raises."""

    async def watch(tap: Tap, call: Call) -> tuple[list[Any], BaseException | None]:
        seen: list[Any] = []
        try:
            async for event in tap.watch(call.stream, agent=names[0], provider=names[1], model=names[2]):
                seen.append(event)  # noqa: PERF401 - what came before an exception counts
        except BaseException as error:
            return seen, error
        return seen, None

    async def watch_all(tap: Tap) -> None:
        for call in calls:
            seen, error = await watch(tap, call)
            assert list(map(id, seen)) == list(map(id, call.events))
            assert error is call.ends_with

    with tapped(clock) as tap:
        asyncio.run(watch_all(tap))


def test_a_watched_stream_without_end_keeps_few_responses():
    """Their usage may come with the result; it may also never come."""
    ends = [
        PartStartEvent(index=0, part=TextPart('x')),
        PartEndEvent(index=0, part=TextPart('x')),
    ]

    async def endless() -> AsyncIterator[Any]:
        for _ in range(MAX_WAITING + 10):
            for event in ends:
                yield event
        assert len(seen.responses()) >= 9

    async def watch() -> None:
        async for _ in seen.tap.watch(endless()):
            pass

    with capture() as seen:
        asyncio.run(watch())
        assert len(seen.responses()) == MAX_WAITING + 10


def test_a_response_with_calls_without_end_is_followed_up_to_a_cap():
    """What went over is counted."""

    async def calls() -> AsyncIterator[Any]:
        for number in range(MAX_CALLS + 10):
            yield FunctionToolCallEvent(part=ToolCallPart('t', None, str(number)), args_valid=True)

    async def watch() -> None:
        async for _ in seen.tap.watch(calls()):
            pass

    with capture() as seen:
        asyncio.run(watch())
        assert sum(moment == 'tool_started' for moment, _ in seen.moments()) == MAX_CALLS
        assert sum(fault.count for fault in seen.faults() if fault.subject == 'tool_calls') == 10
