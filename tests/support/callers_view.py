"""Runs that a tap must leave as they are: everything that their caller gets to see, event by event."""

from __future__ import annotations

import asyncio
import functools
import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent

from streamtap import Live
from support.event_readers import read
from support.pydantic_ai_features import has
from support.scripted import Calls, Thinks, agent, model, nap, usage_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    import pytest

    from streamtap import Tap
    from support.scripted import Turn

WAYS = ('handler', 'beside', 'capability', 'unstreamed', 'watched events', 'watched nodes')
"""How the tap is attached, and what the caller does with the run."""


class UnrulyError(Exception):
    """An exception that does not want to be looked at."""

    __module__ = None  # pyright: ignore[reportAssignmentType]

    def __str__(self) -> str:
        raise ValueError('no')

    def __repr__(self) -> str:
        return 'UnrulyError()'


STORIES: dict[str, tuple[Turn, ...]] = {
    'answers': (
        [Thinks('hm'), 'so ', 'far', nap(0.0, 'a'), Calls('invented', id='b'), Calls('fails_once', id='c')],
        ['and ', Calls('delegate', id='d')],
        ['do', 'ne'],
    ),
    'the model fails': (['so ', nap(0.0, 'a')], ['do', ConnectionError('gone')]),
    'a tool fails': (['so ', Calls('unruly')], ['never']),
    'it is cancelled': (['so ', Calls('stop')], ['never']),
}


@functools.cache
def untapped(way: str, story: str) -> list[str]:
    """What the caller sees without a tap."""
    return asyncio.run(seen_by_caller(way, story, None))


def tapped(way: str, story: str, tap: Tap) -> list[str]:
    """What the caller sees with it; it is closed then, and nothing is left open."""
    found = asyncio.run(seen_by_caller(way, story, tap))
    tap.close()
    assert tap.live() == Live()
    return found


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The sorts of failures that were logged, as often as they were."""
    return sorted(line.partition(' at ')[0] for line in caplog.messages if 'failed with' in line)


async def seen_by_caller(way: str, story: str, tap: Tap | None) -> list[str]:
    """What the caller of a run sees: its events, then its result or what it raised, then its messages.

    Args:
        way: One of `WAYS`.
        story: What the model does.
        tap: What is attached; `None` for the run as it is without.
    """
    lines: list[str] = []
    capabilities = [] if tap is None or way not in ('capability', 'unstreamed') else [tap.capability()]
    made = _agent(story, capabilities, functools.partial(_arguments, way, tap, []))
    try:
        if way.startswith('watched'):
            mode = way.removeprefix('watched ')
            lines += map(repr, await read(made, mode, _same if tap is None else tap.watch))
        else:
            result = await made.run('hello', metadata={'tenant': 'acme'}, **_arguments(way, tap, lines))
            lines += [repr(result.output), repr(usage_of(result)), *map(repr, result.all_messages())]
    except (Exception, asyncio.CancelledError) as error:
        lines += [repr(error), repr(error.__cause__)]
    found = [_PASSING.sub('_', line) for line in lines]
    return found if has('ordered_results') else _with_sorted_results(found)


def _with_sorted_results(lines: list[str]) -> list[str]:
    groups = groupby(lines, lambda line: line.startswith('FunctionToolResultEvent'))
    return [line for are_results, group in groups for line in (sorted(group) if are_results else group)]


_PASSING = re.compile(r'datetime\.datetime\([^)]*\)|[0-9a-f]{8}-[0-9a-f-]{27}| object at 0x[0-9a-f]+')
"""What no two runs have alike."""


def _agent(story: str, capabilities: list[Any], arguments: Callable[[], dict[str, Any]]) -> Agent[Any, Any]:
    inner = Agent(model(['in', 'ner']), name='inner', capabilities=capabilities)
    made = agent(*STORIES[story], capabilities=capabilities)

    @made.tool_plain
    async def delegate() -> str:  # pyright: ignore[reportUnusedFunction]
        return (await inner.run('go', **arguments())).output

    caller = asyncio.current_task()
    assert caller is not None

    @made.tool_plain
    async def stop() -> None:  # pyright: ignore[reportUnusedFunction]
        caller.cancel()
        await asyncio.sleep(30)

    @made.tool_plain
    async def unruly() -> str:  # pyright: ignore[reportUnusedFunction]
        raise UnrulyError

    return made


def _arguments(way: str, tap: Tap | None, lines: list[str]) -> dict[str, Any]:
    async def show(ctx: object, events: AsyncIterable[object]) -> None:
        async for event in events:
            lines.append(repr(event))  # noqa: PERF401

    if way == 'capability':
        return {'event_stream_handler': show}
    if way == 'beside':
        return {'event_stream_handler': show if tap is None else tap.beside(show)}
    if way == 'handler':
        return {'event_stream_handler': _drain if tap is None else tap}
    return {}


async def _drain(ctx: object, events: AsyncIterable[object]) -> None:
    async for _ in events:
        pass


def _same(events: Any) -> Any:
    return events
