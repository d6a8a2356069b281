"""Servers that fall silent: what shows while they hang, and what is recorded when it ends."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
from pydantic_ai.exceptions import RunTimedOut

from streamtap.testing import Hang, Pause, Reply
from support.event_readers import read
from truth.capabilities import Recovers
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, TEXT

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from support.doors import Door
    from truth.world import World

HANGS = Group('Hangs')

SOON: dict[str, Any] = {'slow_start_after': 0.1, 'stall_after': 0.1}
SILENCE = 0.5
NO_HEADERS = Reply(TEXT.steps, headers_after=60)
NO_CHUNKS = Reply((Hang(),), headers_after=0.03)
NO_MORE = Reply((*TEXT.steps[:3], Hang()), **PACE)
LATE_HEADERS = Reply(SHORT.steps, headers_after=SILENCE, every=0.02)
LATE_CHUNKS = Reply(SHORT.steps, first_after=SILENCE, every=0.02)
LATE_MORE = Reply((*TEXT.steps[:3], Pause(SILENCE), *TEXT.steps[3:6]), **PACE)

FIRST_TOKEN = Expected('cancelled', requests=('cancelled',), scrapes=('first_token',))
MID_STREAM = replace(FIRST_TOKEN, scrapes=('mid_stream',), stalls=1)
GIVEN_UP = replace(MID_STREAM, scrapes=('nothing',))


async def looked_at(w: World, run: Coroutine[Any, Any, Any], *, cancel: bool = True) -> None:
    """Scrape while a run hangs, then cancel it or let it go on."""
    task = asyncio.create_task(run)
    await w.scrape_hang()
    if cancel:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@HANGS.case([NO_HEADERS], FIRST_TOKEN, **SOON)
async def headers(w: World) -> None:
    """No headers, until the run is cancelled."""
    await looked_at(w, w.run(w.agent()))


@HANGS.case([NO_CHUNKS], FIRST_TOKEN, **SOON)
async def chunks(w: World) -> None:
    """Headers and nothing more, until the run is cancelled."""
    await looked_at(w, w.run(w.agent()))


@HANGS.case([NO_MORE], MID_STREAM, **SOON)
async def more(w: World) -> None:
    """Some words and nothing more, until the run is cancelled."""
    await looked_at(w, w.run(w.agent()))


TIMED_OUT: dict[str, Any] = {'run': 'timeout RunTimedOut', 'requests': ('timeout',)}


@HANGS.case([NO_HEADERS], replace(FIRST_TOKEN, **TIMED_OUT), raises=RunTimedOut, **SOON)
async def headers_in_time(w: World) -> None:
    """No headers, until the run's own timeout."""
    await looked_at(w, w.run(w.agent(), timeout=SILENCE), cancel=False)


@HANGS.case([NO_CHUNKS], replace(FIRST_TOKEN, **TIMED_OUT), raises=RunTimedOut, **SOON)
async def chunks_in_time(w: World) -> None:
    """Headers and nothing more, until the run's own timeout."""
    await looked_at(w, w.run(w.agent(), timeout=SILENCE), cancel=False)


@HANGS.case([NO_MORE], replace(MID_STREAM, **TIMED_OUT), raises=RunTimedOut, **SOON)
async def more_in_time(w: World) -> None:
    """Some words and nothing more, until the run's own timeout."""
    await looked_at(w, w.run(w.agent(), timeout=SILENCE), cancel=False)


STARTED_LATE = Expected(scrapes=('first_token',))
WENT_ON_LATE = Expected(scrapes=('mid_stream',), stalls=1)


@HANGS.case([LATE_HEADERS], STARTED_LATE, **SOON)
async def late_headers(w: World) -> None:
    """Headers that come after all."""
    await looked_at(w, w.run(w.agent()), cancel=False)


@HANGS.case([LATE_CHUNKS], STARTED_LATE, **SOON)
async def late_chunks(w: World) -> None:
    """Headers, and chunks that come after all."""
    await looked_at(w, w.run(w.agent()), cancel=False)


@HANGS.case([LATE_MORE], WENT_ON_LATE, **SOON)
async def late_more(w: World) -> None:
    """Some words, and more that come after all."""
    await looked_at(w, w.run(w.agent()), cancel=False)


NEVER_CALLED: Mapping[Door, Mapping[str, Any]] = {'handler': {'run': '', 'requests': (), 'scrapes': ('nothing',)}}


@HANGS.case([NO_CHUNKS], FIRST_TOKEN, but=NEVER_CALLED, **SOON)
async def primed(w: World) -> None:
    """Headers and nothing more, where streams are opened early, until the run is cancelled."""
    await looked_at(w, w.run(w.agent(capabilities=[Recovers()])))


@HANGS.case([NO_MORE], MID_STREAM, **SOON)
async def primed_more(w: World) -> None:
    """Some words and nothing more, where streams are opened early, until the run is cancelled."""
    await looked_at(w, w.run(w.agent(capabilities=[Recovers()])))


@HANGS.case([LATE_CHUNKS], STARTED_LATE, but={'handler': {'scrapes': ('nothing',)}}, **SOON)
async def primed_late(w: World) -> None:
    """Headers, and chunks that come after all, where streams are opened early."""
    await looked_at(w, w.run(w.agent(capabilities=[Recovers()])), cancel=False)


@HANGS.case([NO_CHUNKS], FIRST_TOKEN, doors=('watch',), **SOON)
async def nodes(w: World) -> None:
    """Headers and nothing more, `iter` with the stream of each node, until it is cancelled."""
    await looked_at(w, read(w.agent(), 'nodes', w.seen.tap.watch))


@HANGS.case([NO_MORE], MID_STREAM, doors=('watch',), **SOON)
async def nodes_and_more(w: World) -> None:
    """Some words and nothing more, `iter` with the stream of each node, until it is cancelled."""
    await looked_at(w, read(w.agent(), 'nodes', w.seen.tap.watch))


async def given_up(w: World, run: Coroutine[Any, Any, Any]) -> None:
    """Give up in the task itself, which goes on."""
    with anyio.move_on_after(SILENCE):
        await run
    await w.scrape_later()


@HANGS.case([NO_MORE], GIVEN_UP, **SOON)
async def left(w: World) -> None:
    """Some words and nothing more, until the caller moves on."""
    await given_up(w, w.run(w.agent()))


async def streamed(w: World) -> None:
    """The texts of `run_stream`."""
    async with w.agent().run_stream('hello') as result:
        async for _ in result.stream_text(debounce_by=None):
            pass


@HANGS.case([NO_CHUNKS], FIRST_TOKEN, doors=('capability',), **SOON)
async def of_run_stream(w: World) -> None:
    """Headers and nothing more, `run_stream`, until it is cancelled."""
    await looked_at(w, streamed(w))


@HANGS.case([NO_MORE], MID_STREAM, doors=('capability',), **SOON)
async def more_of_run_stream(w: World) -> None:
    """Some words and nothing more, `run_stream`, until it is cancelled."""
    await looked_at(w, streamed(w))


@HANGS.case([NO_HEADERS], replace(FIRST_TOKEN, scrapes=('calm',)), doors=('capability',), **SOON)
async def unstreamed(w: World) -> None:
    """No headers, not streamed: the age of the run shows it, until it is cancelled."""
    await looked_at(w, w.run(w.agent(stream=False)))
