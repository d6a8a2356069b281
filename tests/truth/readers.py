"""What the reader of a run's output sees of it, and what it costs when it stops reading."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from streamtap.testing import Call, Reply, words
from truth.case import Expected, Group
from truth.replies import PACE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from truth.world import World

READERS = Group('Readers of the output')

SLOWLY: dict[str, Any] = {**PACE, 'first_after': 0.2, 'every': 0.06}

ANSWER = Reply(
    words('a text of twenty words that comes word by word to you who have to wait until the debouncing lets go'),
    **SLOWLY,
)
"""Twenty words in a bit more than a second."""


class Ticket(BaseModel):
    """An output whose last field is required."""

    title: str
    number: int


FIELDS = {'title': 'the printer on the third floor prints only every other page of what it is sent', 'number': 4711}

TICKET = Reply((Call('final_result', FIELDS, pieces=35),), headers_after=0.03, first_after=0.2, every=0.05)
"""An output that takes nearly two seconds."""


@READERS.case([ANSWER], Expected(reader=True), doors=('capability',))
async def debounced(w: World) -> None:
    """A text, debounced by 0.8 s."""
    async with w.agent().run_stream('hello') as result:
        await w.read(result.stream_text(debounce_by=0.8))
        w.keep(result)


@READERS.case([ANSWER], Expected(reader=True), doors=('capability',))
async def as_it_comes(w: World) -> None:
    """A text, as it comes."""
    async with w.agent().run_stream('hello') as result:
        await w.read(result.stream_text(debounce_by=None))
        w.keep(result)


@READERS.case([ANSWER], Expected(reader=True), doors=('capability',))
async def wrapped(w: World) -> None:
    """A text, wrapped in a generator of the user's."""
    async with w.agent().run_stream('hello') as result:

        async def lines() -> AsyncIterator[str]:
            async for text in result.stream_text(delta=True, debounce_by=None):
                yield f'data: {text}\n\n'

        await w.read(lines(), run_id=result.run_id)
        w.keep(result)


@READERS.case([ANSWER], Expected(reader=True), doors=('capability',))
async def responses(w: World) -> None:
    """Responses, as pydantic-ai debounces them."""
    async with w.agent().run_stream('hello') as result:
        await w.read(result.stream_response())
        w.keep(result)


@READERS.case([TICKET], Expected(tools=('final_result success',), reader=True), doors=('capability',))
async def last_field(w: World) -> None:
    """An output whose required field comes last."""
    async with w.agent(output_type=Ticket).run_stream('hello') as result:
        await w.read(result.stream_output())
        w.keep(result)


@READERS.case([ANSWER], Expected(reader=True, pace=False, phases=('consumer',)), doors=('capability',))
async def slow(w: World) -> None:
    """A text, read slowly."""
    async with w.agent().run_stream('hello') as result:
        async for _ in w.seen.tap.watch(result.stream_text(debounce_by=None)):
            w.items.append(time.perf_counter())
            with w.spending('consumer'):
                await asyncio.sleep(0.15)
        w.keep(result)


@READERS.case([ANSWER], Expected(reader=True, chunks=False), doors=('handler',))
async def handled(w: World) -> None:
    """A text that a handler reads."""

    async def mine(ctx: Any, events: Any) -> None:
        if hasattr(events, 'stream_text'):
            await w.read(events.stream_text(debounce_by=None))

    w.keep(await w.agent().run('hello', event_stream_handler=w.seen.tap.beside(mine)))


STOPPED = Expected('cancelled', requests=('cancelled',), reader=True)


@READERS.case([ANSWER], STOPPED, doors=('capability',))
async def stopped(w: World) -> None:
    """A text that its reader leaves, and the run with it."""
    async with w.agent().run_stream('hello') as result:
        async for _ in w.seen.tap.watch(result.stream_text()):
            w.items.append(time.perf_counter())
            break
        w.left = time.perf_counter()


@READERS.case([ANSWER], STOPPED, doors=('capability',))
async def stopped_and_stayed(w: World) -> None:
    """A text that its reader leaves, while the run stays open for 0.3 s."""
    async with w.agent().run_stream('hello') as result:
        async for _ in w.seen.tap.watch(result.stream_text(debounce_by=None)):
            w.items.append(time.perf_counter())
            break
        w.left = time.perf_counter()
        await asyncio.sleep(0.3)


@READERS.case([ANSWER], Expected(reader=True), doors=('capability',))
async def stopped_in_vain(w: World) -> None:
    """A text that its reader leaves, and that is then read to its end by `get_output`."""
    async with w.agent().run_stream('hello') as result:
        async for _ in w.seen.tap.watch(result.stream_text(debounce_by=None)):
            w.items.append(time.perf_counter())
            break
        w.left = time.perf_counter()
        await result.get_output()
        w.keep(result)
