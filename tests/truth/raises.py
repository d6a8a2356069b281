"""Every way in which code of the user's own fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import Tool, ToolFailed

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.replies import SHORT, tools_then_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from truth.world import World

RAISES = Group('Code that raises')


def breaks() -> str:
    """A tool that raises."""
    raise RuntimeError('the tool broke')


# Tools that raise


@RAISES.case(
    tools_then_text(Call('breaks', {})),
    Expected('error RuntimeError', tools=('breaks error RuntimeError',)),
    raises=RuntimeError,
)
async def tool_raises(w: World) -> None:
    """A tool raises."""

    async def breaks() -> str:
        with w.stamping('breaks'):
            raise RuntimeError('the tool broke')

    await w.run(w.agent(tools=[breaks]))


@RAISES.case(
    tools_then_text(Call('breaks', {}), Call('nap', {})),
    Expected('error RuntimeError', tools=('breaks error RuntimeError', 'nap interrupted')),
    but={door: {'tools': ('breaks interrupted', 'nap interrupted')} for door in ('handler', 'watch')},
    raises=RuntimeError,
)
async def tool_raises_beside_another(w: World) -> None:
    """A tool raises while another runs."""
    await w.run(w.agent(tools=[breaks, w.tool('nap')]))


@RAISES.case(
    tools_then_text(Call('breaks', {}), Call('nap', {})),
    Expected('error RuntimeError', tools=('breaks error RuntimeError', 'nap success')),
    raises=RuntimeError,
)
async def tool_raises_after_another(w: World) -> None:
    """A tool raises when another is done."""

    async def breaks() -> str:
        with w.stamping('breaks'):
            await asyncio.sleep(0.1)
            raise RuntimeError('the tool broke')

    await w.run(w.agent(tools=[breaks, w.tool('nap')]))


@RAISES.case(
    tools_then_text(Call('breaks', {}), Call('alone', {})),
    Expected('error RuntimeError', tools=('breaks error RuntimeError',)),
    raises=RuntimeError,
)
async def tool_raises_before_another(w: World) -> None:
    """A tool raises before another, which must run alone, began."""
    await w.run(w.agent(tools=[breaks, Tool(w.tool('alone'), sequential=True)]))


@RAISES.case(
    tools_then_text(Call('gives_up', {})),
    Expected('success', requests=('success', 'success'), tools=('gives_up failed',)),
)
async def tool_fails(w: World) -> None:
    """A tool says that it failed."""

    async def gives_up() -> str:
        with w.stamping('gives_up'):
            raise ToolFailed('no')

    await w.run(w.agent(tools=[gives_up]))


# What is called in between


@RAISES.case([SHORT], Expected('error ValueError', requests=()), but={'handler': {'run': ''}}, raises=ValueError)
async def instructions_raise(w: World) -> None:
    """The instructions raise, before the first request."""
    await w.run(w.agent(instructions=raising_at(1)))


@RAISES.case(
    tools_then_text(Call('nap', {})),
    Expected('error ValueError', tools=('nap success',)),
    raises=ValueError,
)
async def instructions_raise_later(w: World) -> None:
    """The instructions raise, before the second request."""
    await w.run(w.agent(tools=[w.tool('nap')], instructions=raising_at(2)))


@RAISES.case(
    [SHORT], Expected('error ValueError', requests=('cancelled',)), doors=('handler', 'capability'), raises=ValueError
)
async def handler_raises(w: World) -> None:
    """The user's own handler raises in mid-stream."""

    async def mine(ctx: Any, events: Any) -> None:
        async for event in events:
            if event.event_kind == 'part_delta':
                raise ValueError('enough')

    handler = w.seen.tap.beside(mine) if w.door == 'handler' else mine
    await w.run(w.agent(), event_stream_handler=handler)


def raising_at(time: int) -> Callable[[], str]:
    """Instructions that raise.

    Args:
        time: Which of their calls does.
    """
    calls = iter(range(1, time + 1))

    def instructions() -> str:
        if next(calls) == time:
            raise ValueError('no instructions')
        return 'Be kind.'

    return instructions
