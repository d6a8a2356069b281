"""Every shape of tool calls: beside each other, after each other, in threads, refused, put off and failing."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent, DeferredToolResults, RunContext, Tool, ToolApproved
from pydantic_ai.capabilities import HandleDeferredToolCalls

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.replies import SHORT, calling, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from truth.world import World

TOOLS = Group('Tools')

TWO = ('success', 'success')
THREE = (*TWO, 'success')
NO_TIMES = {'tool_times': False}


def calls(*names: str) -> tuple[Call, ...]:
    """Calls of these tools without arguments, with ids of their own."""
    return tuple(Call(name, '', id=f'{name}-{place}') for place, name in enumerate(names))


def once(*names: str) -> Any:
    """A script: one response that calls these tools, then a text."""
    return in_turn(calling(*calls(*names)), SHORT)


def good(*names: str) -> tuple[str, ...]:
    """What is recorded of tools that all succeed."""
    return tuple(f'{name} success' for name in names)


def one(*tools: str) -> Expected:
    """What is recorded of one round of tools, then a text."""
    return Expected(requests=TWO, tools=tools)


def raising(w: World, name: str, error: Callable[[], BaseException], seconds: float = 0.03, *, times: int = 1) -> Any:
    """A tool that takes its time and then raises, the first times that it is called."""
    left = iter(range(times))

    async def raises() -> str:
        with w.stamping(name):
            await asyncio.sleep(seconds)
            if next(left, None) is not None:
                raise error()
        return 'done'

    raises.__name__ = name
    return raises


def in_thread(w: World, name: str, seconds: float) -> Any:
    """A tool that is no coroutine, so that pydantic-ai runs it in a thread."""

    def blocks() -> str:
        with w.stamping(name):
            time.sleep(seconds)
        return 'done'

    blocks.__name__ = name
    return blocks


async def five(w: World) -> None:
    """Run an agent with tools of five names, of which `alone` is sequential."""
    tools: list[Any] = [w.tool('p1', 0.06), w.tool('p2', 0.02), w.tool('p3', 0.05), w.tool('p4', 0.02)]
    await w.run(w.agent(tools=[*tools, Tool(w.tool('alone', 0.04), sequential=True)]))


FIVE = ('p1', 'p2', 'alone', 'p3', 'p4')


@TOOLS.case(once('p1', 'p2', 'p3'), one(*good('p1', 'p2', 'p3')))
async def parallel(w: World) -> None:
    """Three calls beside each other."""
    await five(w)


@TOOLS.case(once(*FIVE), one(*good(*FIVE)))
async def barrier(w: World) -> None:
    """Two calls, then a sequential one alone, then two more."""
    await five(w)


@TOOLS.case(once('alone', 'alone', 'p1', 'alone'), one(*good('alone', 'alone', 'p1', 'alone')))
async def barriers(w: World) -> None:
    """Sequential calls after each other, one of another tool between."""
    await five(w)


@TOOLS.case(once('p1', 'p2', 'p3'), one(*good('p1', 'p2', 'p3')))
async def one_by_one(w: World) -> None:
    """A run in the mode `sequential`."""
    with Agent.parallel_tool_call_execution_mode('sequential'):
        await five(w)


@TOOLS.case(once(*FIVE), one(*good(*FIVE)), but={'handler': NO_TIMES, 'watch': NO_TIMES})
async def ordered(w: World) -> None:
    """A run in the mode `parallel_ordered_events`, which holds results back."""
    with Agent.parallel_tool_call_execution_mode('parallel_ordered_events'):
        await five(w)


@TOOLS.case(once('p1', 'p1', 'p1'), one(*good('p1', 'p1', 'p1')))
async def same_tool(w: World) -> None:
    """One tool, three times in one response."""
    await five(w)


@TOOLS.case(once(*FIVE), one(*good(*FIVE)), doors=('capability',))
async def unstreamed(w: World) -> None:
    """A run that nobody streams, with a sequential call among others."""
    tools: list[Any] = [w.tool('p1', 0.06), w.tool('p2', 0.02), w.tool('p3', 0.05), w.tool('p4', 0.02)]
    await w.run(w.agent(tools=[*tools, Tool(w.tool('alone', 0.04), sequential=True)], stream=False))


@TOOLS.case(once('one', 'two'), one(*good('one', 'two')))
async def threads(w: World) -> None:
    """Two functions in threads beside each other."""
    await w.run(w.agent(tools=[in_thread(w, 'one', 0.06), in_thread(w, 'two', 0.03)]))


@TOOLS.case(once('one', 'two'), one(*good('one', 'two')))
async def one_thread(w: World) -> None:
    """Two functions for which there is one thread: the wait for it counts, as nothing can see it."""
    began: list[float] = []

    def waiting(name: str) -> Any:
        def blocks() -> str:
            began.append(time.perf_counter())
            with w.stamping(name, began[0]):
                time.sleep(0.04)
            return 'done'

        blocks.__name__ = name
        return blocks

    with concurrent.futures.ThreadPoolExecutor(1) as executor, Agent.using_thread_executor(executor):
        await w.run(w.agent(tools=[waiting('one'), waiting('two')]))


def blocking(w: World) -> Any:
    """An agent with a tool that blocks the loop, and one that does not; each is stamped since the round began."""
    began: list[float] = []

    def since() -> float | None:
        began.append(time.perf_counter())
        # That a tool starts late because the loop is blocked shows to nobody but who is inside it.
        return None if w.door == 'capability' else began[0]

    async def blocks() -> str:
        with w.stamping('blocks', since()):
            time.sleep(0.1)  # noqa: ASYNC251 - what not to do
        return 'done'

    async def waits() -> str:
        with w.stamping('waits', since()):
            await asyncio.sleep(0.02)
        return 'done'

    return w.agent(tools=[blocks, waits])


@TOOLS.case(once('waits', 'blocks'), one(*good('waits', 'blocks')))
async def blocked_while_it_runs(w: World) -> None:
    """A tool that runs while another blocks the loop takes as long as it is blocked."""
    await w.run(blocking(w))


@TOOLS.case(once('blocks', 'waits'), one(*good('blocks', 'waits')))
async def blocked_before_it_runs(w: World) -> None:
    """A tool that starts late because another blocks the loop: only the capability sees that it started late."""
    await w.run(blocking(w))


def napping(w: World) -> Any:
    """An agent with a tool that takes an argument, and one that is called beside it."""

    async def nap(seconds: float) -> str:
        with w.stamping('nap'):
            await asyncio.sleep(seconds)
        return 'rested'

    return w.agent(tools=[nap, w.tool('beside', 0.03)])


@TOOLS.case(in_turn(calling(Call('nap', {'seconds': 0.031}, id='a', pieces=8)), SHORT), one('nap success'))
async def in_pieces(w: World) -> None:
    """Arguments that come in many pieces."""
    await w.run(napping(w))


@TOOLS.case(once('risky', 'beside'), one('risky success', 'beside success'))
async def approved(w: World) -> None:
    """A tool that somebody approves while the run goes on: the wait for it is not the tool's."""

    async def approve(ctx: RunContext[Any], requests: Any) -> DeferredToolResults:
        await asyncio.sleep(0.1)
        return DeferredToolResults(approvals={call.tool_call_id: ToolApproved() for call in requests.approvals})

    risky = Tool(w.tool('risky', 0.03), requires_approval=True)
    await w.run(w.agent(tools=[risky, w.tool('beside', 0.05)], capabilities=[HandleDeferredToolCalls(approve)]))


@TOOLS.case(
    in_turn(calling(*calls('p1', 'p2')), calling(*calls('p1', 'p2')), SHORT),
    Expected(requests=THREE, tools=good('p1', 'p2', 'p1', 'p2')),
)
async def repeated_ids(w: World) -> None:
    """Calls in two steps with the same ids."""
    await five(w)


@TOOLS.case(once('p1', 'p2'), Expected('success, success', requests=(*TWO, *TWO), tools=good('p1', 'p2', 'p1', 'p2')))
async def two_runs(w: World) -> None:
    """Two runs that call the same tool at once, with the same ids."""
    agent = w.agent(tools=[w.tool('p1', 0.05), w.tool('p2', 0.02)])
    await asyncio.gather(w.run(agent), w.run(agent))
