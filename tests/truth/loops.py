"""Runs that go round in circles, and what each call of a tool took of the requests that asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streamtap.testing import Call, Reply, TokenUsage
from support.event_readers import read
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, in_turn

if TYPE_CHECKING:
    from truth.world import World

LOOPS = Group('Loops')


def asks(*calls: Call, given: int = 1000, written: int = 30) -> Reply:
    """A reply that calls tools, after so many tokens of a prompt, with so many tokens of its own."""
    return Reply(calls, usage=TokenUsage(given, written), **PACE)


def look(arguments: str, call_id: str, tool: str = 'look') -> Call:
    """A call of a tool with those arguments."""
    return Call(tool, arguments, id=call_id)


def looking(w: World, **options: Any) -> Any:
    """An agent with two tools that take arguments."""

    async def look(a: int, b: list[int] | None = None) -> str:
        with w.stamping('look'):
            await asyncio.sleep(0.03)
        return f'{a}'

    async def peek(a: int) -> str:
        with w.stamping('peek'):
            await asyncio.sleep(0.02)
        return f'{a}'

    return w.agent(tools=[look, peek], **options)


def steps(requests: int, *tools: str, **facts: tuple[object, ...]) -> Expected:
    """What is recorded of so many requests and these tools."""
    return Expected(
        requests=('success',) * requests,
        tools=tuple(f'{tool} success' for tool in tools),
        facts={f'tool.{name}': values for name, values in facts.items()},
    )


REORDERED = in_turn(
    asks(look('{"a": 1, "b": [2]}', '1')),
    asks(look('{"b":[2],"a":1}', '2'), given=1100),
    asks(look('{ "a": 1, "b": [ 2 ] }', '3'), given=1200),
    asks(look('{"a": 1, "b": [2]}', '4'), given=1300),
    SHORT,
)
THRICE = steps(
    5,
    *['look'] * 4,
    repeated=(False, False, True, True),
    request_tokens=(1030, 1130, 1230, 1330),
)


@LOOPS.case(REORDERED, THRICE)
async def same_arguments(w: World) -> None:
    """The same arguments, with other blanks and in another order, from the third call on."""
    await w.run(looking(w))


@LOOPS.case(REORDERED, THRICE, doors=('capability',))
async def same_arguments_unstreamed(w: World) -> None:
    """The same arguments in a run that nobody streams."""
    await w.run(looking(w, stream=False))


@LOOPS.case(REORDERED, THRICE, doors=('watch',))
async def same_arguments_by_nodes(w: World) -> None:
    """The same arguments in a run that is read node by node."""
    await read(looking(w), 'nodes', w.seen.tap.watch)


@LOOPS.case(REORDERED, THRICE, doors=('capability',))
async def same_arguments_in_run_stream(w: World) -> None:
    """The same arguments in `run_stream`."""
    async with looking(w).run_stream('hello') as result:
        async for _ in result.stream_text(debounce_by=None):
            pass
        w.keep(result)


@LOOPS.case(
    in_turn(
        *(
            asks(look('{"a": 1}', f'{turn}', 'look' if turn % 2 else 'peek'), given=1000 + 100 * turn)
            for turn in range(6)
        ),
        SHORT,
    ),
    steps(
        7,
        *['look', 'peek'] * 3,
        tool=('peek', 'look') * 3,
        repeated=(False,) * 4 + (True,) * 2,
        request_tokens=tuple(1030 + 100 * turn for turn in range(6)),
    ),
)
async def by_turns(w: World) -> None:
    """Two calls by turns, each for the third time."""
    await w.run(looking(w))


@LOOPS.case(
    in_turn(asks(look('{"a": 1}', '1'), look('{"a": 1}', '2'), look('{"a": 1}', '3'), given=1000, written=100), SHORT),
    # Its tokens are not those of its chunks, so that it has no speed.
    replace(steps(2, *['look'] * 3, request_tokens=(366, 366, 366)), speed=False),
)
async def beside_each_other(w: World) -> None:
    """Three calls of one response share its request, and the third of them is a repetition."""
    await w.run(looking(w))


@LOOPS.case(
    in_turn(*(asks(look(f'{{"a": {turn}}}', f'{turn}')) for turn in range(4)), SHORT),
    steps(5, *['look'] * 4, repeated=(False,) * 4, request_tokens=(1030,) * 4),
)
async def other_arguments(w: World) -> None:
    """Other arguments each time are no loop."""
    await w.run(looking(w))


@LOOPS.case(
    in_turn(asks(look('{"a": 1}', '1')), asks(look('{"a": 1}', '2')), SHORT),
    Expected(
        'success, success',
        requests=('success',) * 6,
        tools=('look success',) * 4,
        facts={'tool.repeated': (False,) * 4},
    ),
)
async def another_run(w: World) -> None:
    """What another run called is no loop of this one."""
    for _ in range(2):
        await w.run(looking(w))


@LOOPS.case(
    in_turn(Reply((look('{"a": 1}', '1'),), usage=None, **PACE), Reply(SHORT.steps, usage=None, **PACE)),
    Expected(
        requests=('success', 'success'), tools=('look success',), usage=False, facts={'tool.request_tokens': (None,)}
    ),
)
async def without_usage(w: World) -> None:
    """A request whose tokens nobody reports."""
    await w.run(looking(w))
