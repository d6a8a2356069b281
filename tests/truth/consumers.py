"""Who reads the events, and how: slowly, late, twice, elsewhere, or not to the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamtap.testing import Call
from truth.capabilities import HoldsEvents, Recovers
from truth.case import Expected, Group
from truth.replies import SHORT, TEXT, calling, tools_then_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable

    from pydantic_ai import Agent

    from streamtap.testing import ChatRequest, Reply
    from truth.world import World

    Reading = Callable[[AsyncIterable[Any]], Awaitable[object]]

CONSUMERS = Group('Consumers')

HOLD = 0.03
WAIT = 0.3
SLOW = Expected(pace=False, phases=('consumer',))


async def consumed(w: World, agent: Agent[Any, Any], reading: Reading) -> None:
    """Run an agent whose events somebody reads, as the door has it."""

    async def mine(ctx: Any, events: AsyncIterable[Any]) -> None:
        await reading(events)

    if w.door == 'watch':
        async with agent.run_stream_events('hello') as events:
            await reading(w.seen.tap.watch(events))
    else:
        handler = w.seen.tap.beside(mine) if w.door == 'handler' else mine
        w.keep(await agent.run('hello', event_stream_handler=handler))


def holding(w: World, hold: Callable[[], Awaitable[object]], *kinds: str) -> Reading:
    """Read to the end, and do something with every event, or with those of some kinds, that takes time."""

    async def read(events: AsyncIterable[Any]) -> None:
        async for event in events:
            if not kinds or event.event_kind in kinds:
                with w.spending('consumer'):
                    await hold()

    return read


@CONSUMERS.case([TEXT], SLOW)
async def slow(w: World) -> None:
    """A consumer that holds each event for 30 ms."""
    await consumed(w, w.agent(), holding(w, lambda: asyncio.sleep(HOLD)))


def nap_then_text(request: ChatRequest) -> Reply:
    """A tool, then a text that is later than a consumer which holds what was before."""
    return replace(TEXT, first_after=0.2) if request.number else calling(Call('nap', {}, id='n'))


@CONSUMERS.case(
    nap_then_text,
    replace(SLOW, requests=('success', 'success'), tools=('nap success',)),
)
async def slow_with_a_tool(w: World) -> None:
    """A consumer that holds each event for 30 ms, with a tool."""
    await consumed(w, w.agent(tools=[w.tool('nap', 0.15)]), holding(w, lambda: asyncio.sleep(HOLD)))


@CONSUMERS.case(
    tools_then_text(Call('nap', {}, id='n')), Expected(requests=('success', 'success'), tools=('nap success',))
)
async def holding_a_call(w: World) -> None:
    """A consumer that holds the call of a tool, which may run meanwhile."""

    async def read(events: AsyncIterable[Any]) -> None:
        async for event in events:
            if event.event_kind == 'function_tool_call':
                await asyncio.sleep(WAIT)

    await consumed(w, w.agent(tools=[w.tool('nap', WAIT + 0.1)]), read)


@CONSUMERS.case(
    tools_then_text(Call('breaks', {}, id='b')),
    Expected('error LookupError', tools=('breaks error LookupError',)),
    raises=LookupError,
    but={'watch': {'tool_times': False}},
)
async def holding_the_call_of_a_tool_that_fails(w: World) -> None:
    """A consumer that holds the call of a tool, which may fail meanwhile."""

    async def breaks() -> str:
        with w.stamping('breaks'):
            await asyncio.sleep(WAIT / 2)
            raise LookupError('broke')

    async def read(events: AsyncIterable[Any]) -> None:
        async for event in events:
            if event.event_kind == 'function_tool_call':
                await asyncio.sleep(WAIT)

    await consumed(w, w.agent(tools=[breaks]), read)


@CONSUMERS.case([TEXT], SLOW)
async def blocking(w: World) -> None:
    """A consumer that blocks the event loop for 30 ms at each event."""

    async def block() -> None:
        time.sleep(HOLD)  # noqa: ASYNC251 - that is the point

    await consumed(w, w.agent(), holding(w, block))


@CONSUMERS.case(
    tools_then_text(Call('nap', {}, id='n'), Call('doze', {}, id='d')),
    Expected(requests=('success', 'success'), tools=('doze success', 'nap success')),
    but={
        'handler': {'tool_times': ('nap',)},
        'watch': {'tool_times': ('nap',), 'first_token': (True, False), 'pace': (True, False)},
    },
)
async def holding_a_result(w: World) -> None:
    """A consumer that holds a tool's result while another tool ends."""

    async def read(events: AsyncIterable[Any]) -> None:
        async for event in events:
            if event.event_kind == 'function_tool_result':
                await asyncio.sleep(WAIT / 2)

    await consumed(w, w.agent(tools=[w.tool('nap', 0.15), w.tool('doze', 0.22)]), read)


@CONSUMERS.case(
    tools_then_text(Call('nap', {}, id='n')),
    Expected(requests=('success', 'success'), tools=('nap success',), phases=('consumer',)),
    but={'watch': {'first_token': (True, False), 'pace': (True, False)}},
)
async def ready_before_it_is_asked_for(w: World) -> None:
    """A consumer that holds a tool's result while the next response comes."""
    await consumed(w, w.agent(tools=[w.tool('nap')]), holding(w, lambda: asyncio.sleep(WAIT), 'function_tool_result'))


@CONSUMERS.case([SHORT], Expected(phases=('other',)), but={'watch': {'phases': ()}})
async def late(w: World) -> None:
    """A consumer that waits before it begins to read."""

    async def read(events: AsyncIterable[Any]) -> None:
        await w.dawdle(WAIT)
        async for _ in events:
            pass

    await consumed(w, w.agent(), read)


# The capability is called when the first event is asked for, and cannot tell this from a slow model.
@CONSUMERS.case([TEXT], Expected(), but={'handler': {'first_token': False, 'pace': False}}, doors=('handler', 'watch'))
async def late_for_a_primed_stream(w: World) -> None:
    """A consumer that waits before it begins to read, where streams are opened early."""

    async def read(events: AsyncIterable[Any]) -> None:
        await asyncio.sleep(WAIT)
        async for _ in events:
            pass

    await consumed(w, w.agent(capabilities=[Recovers()]), read)


@CONSUMERS.case([TEXT], Expected())
async def queued(w: World) -> None:
    """A slow consumer in another task, with a queue between."""
    queue: asyncio.Queue[Any] = asyncio.Queue()

    async def fill(events: AsyncIterable[Any]) -> None:
        async for event in events:
            queue.put_nowait(event)

    async def empty() -> None:
        while True:
            if await queue.get() is None:
                return
            await asyncio.sleep(HOLD)

    reader = asyncio.create_task(empty())
    await consumed(w, w.agent(), fill)
    queue.put_nowait(None)
    await reader


@CONSUMERS.case([TEXT], Expected(), doors=('handler', 'capability'))
async def early(w: World) -> None:
    """A handler that returns after the first event."""

    async def read(events: AsyncIterable[Any]) -> None:
        async for _ in events:
            return

    await consumed(w, w.agent(), read)


@CONSUMERS.case([TEXT], Expected(), doors=('handler', 'capability'))
async def never(w: World) -> None:
    """A handler that reads nothing."""

    async def read(events: AsyncIterable[Any]) -> None:
        return

    await consumed(w, w.agent(), read)


@CONSUMERS.case([TEXT], Expected(), but={'handler': {'chunks': False}}, doors=('handler', 'capability'))
async def texts(w: World) -> None:
    """A handler that reads by `stream_text`."""

    async def read(events: Any) -> None:
        if hasattr(events, 'stream_text'):
            async for _ in events.stream_text(debounce_by=None):
                pass

    await consumed(w, w.agent(), read)


async def read_texts(result: Any) -> None:
    """Read all texts."""
    async for _ in result.stream_text(debounce_by=None):
        pass


@CONSUMERS.case([TEXT], Expected(), doors=('capability',))
async def twice(w: World) -> None:
    """`run_stream`, its text read twice."""
    async with w.agent().run_stream('hello') as result:
        await read_texts(result)
        await read_texts(result)
        w.keep(result)


@CONSUMERS.case([TEXT], Expected(), doors=('capability',))
async def at_once(w: World) -> None:
    """`run_stream`, its text read by two tasks at once."""
    async with w.agent().run_stream('hello') as result:
        await asyncio.gather(read_texts(result), read_texts(result))
        w.keep(result)


@CONSUMERS.case([TEXT], SLOW, doors=('capability',))
async def slow_body(w: World) -> None:
    """`run_stream`, its text read slowly."""
    async with w.agent().run_stream('hello') as result:
        async for _ in result.stream_text(debounce_by=None):
            with w.spending('consumer'):
                await asyncio.sleep(HOLD)
        w.keep(result)


@CONSUMERS.case([TEXT], SLOW, doors=('capability',))
async def late_body(w: World) -> None:
    """`run_stream`, its text read late."""
    async with w.agent().run_stream('hello') as result:
        with w.spending('consumer'):
            await asyncio.sleep(WAIT)
        await read_texts(result)
        w.keep(result)


@CONSUMERS.case([SHORT], Expected())
async def blocked(w: World) -> None:
    """Another task blocks the event loop while the first token comes: its time is the model's."""

    async def block() -> float:
        await asyncio.sleep(0.04)
        time.sleep(WAIT)  # noqa: ASYNC251 - that is the point
        return time.perf_counter()

    blocks = asyncio.create_task(block())
    await w.run(w.agent())
    (served,) = w.provider.served
    w.late = await blocks - served.chunks[0].at


# Between the model and a handler, or whoever reads the events, it cannot be told from the model.
@CONSUMERS.case([TEXT], SLOW, doors=('capability',))
async def processor(w: World) -> None:
    """A capability that holds each event for 30 ms."""
    await w.run(w.agent(capabilities=[HoldsEvents(w, HOLD)]))
