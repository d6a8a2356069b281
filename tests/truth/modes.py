"""Every way to run an agent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel

from streamtap.testing import Call
from support.event_readers import read
from support.paced_models import paced_client, paced_model
from truth.case import Expected, Group
from truth.replies import TEXT, tools_then_text

if TYPE_CHECKING:
    from truth.world import World

MODES = Group('Ways to run')

NAP = tools_then_text(Call('nap', {}, id='n'))
TWO_STEPS = Expected(requests=('success', 'success'), tools=('nap success',))


@MODES.case([TEXT], Expected())
async def a_text(w: World) -> None:
    """A text, by `run` or by events that are read."""
    await w.run(w.agent())


@MODES.case(NAP, TWO_STEPS)
async def a_tool(w: World) -> None:
    """A tool, then a text."""
    await w.run(w.agent(tools=[w.tool('nap')]))


@MODES.case(NAP, TWO_STEPS, doors=('watch',))
async def nodes(w: World) -> None:
    """`iter` with the stream of each node."""
    await read(w.agent(tools=[w.tool('nap')]), 'nodes', w.seen.tap.watch)


@MODES.case(NAP, TWO_STEPS, doors=('capability',))
async def by_hand(w: World) -> None:
    """`iter`, driven by hand with `next`, which streams for nobody."""
    async with w.agent(tools=[w.tool('nap')], stream=False).iter('hello') as run:
        node = run.next_node
        while not Agent.is_end_node(node):
            node = await run.next(node)


@MODES.case(NAP, TWO_STEPS, doors=('capability',))
async def unstreamed(w: World) -> None:
    """`run` that nobody streams."""
    await w.run(w.agent(tools=[w.tool('nap')], stream=False))


@MODES.case([TEXT], Expected(), doors=('capability',))
async def streamed_to_the_end(w: World) -> None:
    """`run_stream`, its text read to the end."""
    async with w.agent().run_stream('hello', **w.handler) as result:
        async for _ in result.stream_text(debounce_by=None):
            pass
        w.keep(result)


@MODES.case([TEXT], Expected(), doors=('capability',))
async def streamed_with_debounce(w: World) -> None:
    """`run_stream`, its responses read debounced."""
    async with w.agent().run_stream('hello') as result:
        async for _ in result.stream_response(debounce_by=0.05):
            pass


@MODES.case([TEXT], Expected('cancelled', requests=('cancelled',)), doors=('capability',))
async def streamed_and_broken_off(w: World) -> None:
    """`run_stream`, broken off in its text."""
    async with w.agent().run_stream('hello') as result:
        async for _ in result.stream_text(delta=True, debounce_by=None):
            break


@MODES.case([TEXT], Expected('error ValueError', requests=('cancelled',)), doors=('capability',), raises=ValueError)
async def streamed_and_raised(w: World) -> None:
    """`run_stream`, whose body raises."""
    async with w.agent().run_stream('hello') as result:
        async for _ in result.stream_text(delta=True, debounce_by=None):
            raise ValueError('enough')


@MODES.case([TEXT], Expected(), doors=('handler', 'capability'))
async def in_another_task(w: World) -> None:
    """`run` in a task of its own."""
    await asyncio.create_task(w.run(w.agent()))


@MODES.case([TEXT], Expected(), doors=('handler', 'capability'))
async def synchronously(w: World) -> None:
    """`run_sync`, from a thread without a loop."""
    await asyncio.to_thread(_run_sync, w)


def _run_sync(w: World) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        # A client belongs to the loop in which it first asked.
        client = paced_client(w.provider)
        w.keep(w.agent(paced_model(client)).run_sync('hello', **w.handler))
        loop.run_until_complete(client.close())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@MODES.case([TEXT], Expected(), doors=('capability',))
async def streamed_synchronously(w: World) -> None:
    """`run_stream_sync`, its text read to the end."""
    await asyncio.to_thread(_run_stream_sync, w)


def _run_stream_sync(w: World) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        client = paced_client(w.provider)
        streamed: Any = w.agent(paced_model(client)).run_stream_sync('hello')
        with streamed as result:
            for _ in result.stream_text(debounce_by=None):
                pass
        loop.run_until_complete(client.close())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@MODES.case([TEXT], Expected(requests=('incomplete',)), doors=('handler',))
async def streamed_with_a_handler(w: World) -> None:
    """`run_stream` with a handler, which is shown nothing after the final result."""
    async with w.agent().run_stream('hello', **w.handler) as result:
        async for _ in result.stream_text(debounce_by=None):
            pass


@MODES.case([TEXT], Expected(), doors=('capability',))
async def a_model_that_cannot_stream(w: World) -> None:
    """A model that cannot stream, measured by a capability that makes nothing stream."""
    answers = FunctionModel(lambda messages, info: ModelResponse(parts=[TextPart('yes')]))
    await w.agent(answers, stream=False).run('hello')
