"""Every way in which a run is stopped."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai import CancellationToken, RunContext
from pydantic_ai.exceptions import RunCancelled, RunTimedOut

from streamtap import FailureRecord
from streamtap.testing import Call, Hang, Reply, Say
from truth.case import Expected, Group
from truth.replies import PACE, calling

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from truth.world import World

STOPS = Group('Ways to be stopped')

SILENT = Reply((Hang(),))
HANGS = Reply((Say('so '), Say('far'), Hang()), **PACE)
CALLS = calling(Call('nap', {}))

IN_REQUEST = Expected('cancelled', requests=('cancelled',))
IN_TOOL = Expected('cancelled', tools=('nap interrupted',))


def napping(w: World) -> Any:
    """An agent whose tool sleeps for longer than anybody waits."""
    return w.agent(tools=[w.tool('nap', 5)])


# The run's own timeout

TIMED_OUT = Expected(
    'timeout RunTimedOut',
    requests=('timeout',),
    facts={
        'run.failure': (
            FailureRecord(agent='truth', error='RunTimedOut', place='model', name='openai:gpt-4.1-mini', step=1),
        )
    },
)
TIMED_OUT_IN_TOOL = Expected(
    'timeout RunTimedOut',
    tools=('nap interrupted',),
    facts={'run.failure': (FailureRecord(agent='truth', error='RunTimedOut', place='tool', name='nap', step=1),)},
)


@STOPS.case([SILENT], TIMED_OUT, raises=RunTimedOut)
async def time_is_up_before_the_first_chunk(w: World) -> None:
    """The run's time is up before the first chunk."""
    await w.run(w.agent(), timeout=0.15)


@STOPS.case([HANGS], TIMED_OUT, raises=RunTimedOut)
async def time_is_up_in_mid_stream(w: World) -> None:
    """The run's time is up in mid-stream."""
    await w.run(w.agent(), timeout=0.4)


@STOPS.case([CALLS], TIMED_OUT_IN_TOOL, raises=RunTimedOut)
async def time_is_up_in_a_tool(w: World) -> None:
    """The run's time is up inside a tool."""
    await w.run(napping(w), timeout=0.4)


# The task is cancelled


async def cancelled(w: World, agent: Any, until: Awaitable[None]) -> None:
    """Cancel a run, when the moment has come."""
    task = asyncio.create_task(w.run(agent))
    await until
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@STOPS.case([SILENT], IN_REQUEST)
async def cancelled_before_the_first_chunk(w: World) -> None:
    """The task is cancelled before the first chunk."""
    await cancelled(w, w.agent(), w.served())


@STOPS.case([HANGS], IN_REQUEST)
async def cancelled_in_mid_stream(w: World) -> None:
    """The task is cancelled in mid-stream."""
    await cancelled(w, w.agent(), w.served(chunks=2))


@STOPS.case([CALLS], IN_TOOL)
async def cancelled_in_a_tool(w: World) -> None:
    """The task is cancelled inside a tool."""
    await cancelled(w, napping(w), w.served(chunks=2))


# Who waits gives up


@STOPS.case([SILENT], IN_REQUEST, raises=asyncio.TimeoutError)
async def given_up_before_the_first_chunk(w: World) -> None:
    """`wait_for` gives up before the first chunk."""
    await asyncio.wait_for(w.run(w.agent()), 0.15)


@STOPS.case([HANGS], IN_REQUEST, raises=asyncio.TimeoutError)
async def given_up_in_mid_stream(w: World) -> None:
    """`wait_for` gives up in mid-stream."""
    await asyncio.wait_for(w.run(w.agent()), 0.4)


@STOPS.case([CALLS], IN_TOOL, raises=asyncio.TimeoutError)
async def given_up_in_a_tool(w: World) -> None:
    """`wait_for` gives up inside a tool."""
    await asyncio.wait_for(w.run(napping(w)), 0.4)


@STOPS.case([HANGS], IN_REQUEST, doors=('watch',))
async def left_in_mid_stream(w: World) -> None:
    """Whoever reads the events leaves them in mid-stream."""
    async with w.agent().run_stream_events('hello') as events:
        async for event in w.seen.tap.watch(events):
            if event.event_kind == 'part_delta':
                break


# Stop, by pydantic-ai's own means


async def stopped(w: World, agent: Any, until: Awaitable[None]) -> None:
    """Stop a run with its token, when the moment has come."""
    token = CancellationToken()
    task = asyncio.create_task(w.run(agent, cancellation_token=token))
    await until
    token.cancel()
    await task


@STOPS.case([SILENT], IN_REQUEST, raises=RunCancelled)
async def stopped_before_the_first_chunk(w: World) -> None:
    """A user presses Stop (a `CancellationToken`) before the first chunk."""
    await stopped(w, w.agent(), w.served())


@STOPS.case([HANGS], IN_REQUEST, raises=RunCancelled)
async def stopped_in_mid_stream(w: World) -> None:
    """A user presses Stop in mid-stream."""
    await stopped(w, w.agent(), w.served(chunks=2))


@STOPS.case([CALLS], IN_TOOL, raises=RunCancelled)
async def stopped_in_a_tool(w: World) -> None:
    """A user presses Stop inside a tool."""
    await stopped(w, napping(w), w.served(chunks=2))


@STOPS.case([calling(Call('stops', {}))], Expected('cancelled', tools=('stops interrupted',)), raises=RunCancelled)
async def stopped_by_a_tool(w: World) -> None:
    """A tool stops its run with `ctx.cancel()`."""

    async def stops(ctx: RunContext[Any]) -> str:
        ctx.cancel()
        await asyncio.sleep(5)
        return 'never'

    await w.run(w.agent(tools=[stops]))


@STOPS.case([CALLS, SILENT], Expected('cancelled', requests=('success', 'cancelled'), tools=('nap success',)))
async def cancelled_after_a_tool(w: World) -> None:
    """The task is cancelled before the first chunk, after a tool."""
    await cancelled(w, w.agent(tools=[w.tool('nap')]), w.served(2))


@STOPS.case(
    [CALLS, SILENT],
    Expected('cancelled', requests=('success', 'cancelled'), tools=('nap success',)),
    raises=RunCancelled,
)
async def stopped_after_a_tool(w: World) -> None:
    """A user presses Stop before the first chunk, after a tool."""
    await stopped(w, w.agent(tools=[w.tool('nap')]), w.served(2))


@STOPS.case(
    [CALLS, SILENT],
    Expected('timeout RunTimedOut', requests=('success', 'timeout'), tools=('nap success',)),
    raises=RunTimedOut,
)
async def time_is_up_after_a_tool(w: World) -> None:
    """The run's time is up before the first chunk, after a tool."""
    await w.run(w.agent(tools=[w.tool('nap')]), timeout=0.45)
