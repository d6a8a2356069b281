"""Agents whose tools run other agents."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai import ModelRetry, RunContext, Tool, ToolOutput, UsageLimits
from pydantic_ai.exceptions import ModelHTTPError, UsageLimitExceeded

from streamtap.testing import Call, Fail, Hang, Reply, Say, TokenUsage
from truth.case import Expected, Group
from truth.replies import PACE, SHORT, calling, in_turn_of_each
from truth.tools import calls, good

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic_ai import Agent

    from truth.world import World

DELEGATION = Group('Agents that call agents')

INNER = 'gpt-4.1-nano'
"""What nested agents ask."""

MIDDLE = 'gpt-5-mini'
"""What an agent between asks."""

ANSWER = Reply(SHORT.steps, usage=TokenUsage(input=70, output=7), **PACE)
FAILURE = Reply((Fail('no', 500),), status=500)
TWO = ('success', 'success')
THREE = (*TWO, 'success')
NESTED = Expected(requests=THREE, tools=good('ask'), nested={'inner': 'success'})


def nested(outer: tuple[str, ...] = ('ask',), *inner: Reply) -> Any:
    """A script: the outer agent calls these tools, then says something; nested agents get replies of their own."""
    return in_turn_of_each({INNER: inner or (ANSWER,)}, calling(*calls(*outer)), SHORT)


def inner(w: World, name: str = 'inner', **options: Any) -> Agent[Any, Any]:
    """An agent for tools to run."""
    return w.agent(w.model(INNER), name=name, **options)


def asking(w: World, run: Callable[[], Awaitable[object]], name: str = 'ask') -> Any:
    """A tool that runs something."""

    async def asks() -> str:
        with w.stamping(name):
            await run()
        return 'asked'

    asks.__name__ = name
    return asks


@DELEGATION.case(nested(), NESTED)
async def one(w: World) -> None:
    """A tool that runs an agent: each run has its own tokens."""
    agent = inner(w)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@DELEGATION.case(nested(), NESTED)
async def shared_usage(w: World) -> None:
    """A nested run that counts into the usage of its caller: nothing is counted twice."""
    agent = inner(w)

    async def ask(ctx: RunContext[Any]) -> str:
        with w.stamping('ask'):
            await w.run(agent, usage=ctx.usage)
        return 'asked'

    await w.run(w.agent(tools=[ask]))


@DELEGATION.case(
    in_turn_of_each({INNER: (ANSWER,), MIDDLE: (calling(*calls('dig')), ANSWER)}, calling(*calls('ask')), SHORT),
    Expected(
        requests=(*TWO, *TWO, 'success'),
        tools=good('ask', 'dig'),
        nested={'middle': 'success', 'inner': 'success'},
        parents={'inner': 'middle'},
    ),
)
async def two_levels(w: World) -> None:
    """A nested run whose tool runs a third agent."""
    innermost = inner(w)
    middle = w.agent(w.model(MIDDLE), name='middle', tools=[asking(w, lambda: w.run(innermost), 'dig')])
    await w.run(w.agent(tools=[asking(w, lambda: w.run(middle))]))


@DELEGATION.case(
    nested(('ask', 'beside', 'ask')),
    Expected(requests=(*TWO, *TWO), tools=good('ask', 'ask', 'beside'), nested={'inner': 'success, success'}),
)
async def parallel_calls(w: World) -> None:
    """Two calls of a tool that runs an agent, beside another tool."""
    agent = inner(w)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent)), w.tool('beside', 0.02)]))


@DELEGATION.case(
    nested(),
    Expected(
        requests=(*TWO, *TWO, 'success'), tools=good('ask'), nested={'inner': 'success, success', 'other': 'success'}
    ),
)
async def gathered(w: World) -> None:
    """A tool that runs three agents at once."""
    agent, other = inner(w), inner(w, 'other')
    await w.run(w.agent(tools=[asking(w, lambda: asyncio.gather(w.run(agent), w.run(other), w.run(agent)))]))


@DELEGATION.case(
    nested(('ask', 'ask')),
    Expected(requests=(*TWO, *TWO), tools=good('ask', 'ask'), nested={'inner': 'success, success'}),
)
async def one_by_one(w: World) -> None:
    """Two nested runs one after the other, as their tool is sequential."""
    agent = inner(w)
    await w.run(w.agent(tools=[Tool(asking(w, lambda: w.run(agent)), sequential=True)]))


@DELEGATION.case(nested(), NESTED, doors=('capability',))
async def unstreamed(w: World) -> None:
    """A nested run of which nothing streams."""
    agent = inner(w, stream=False)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))], stream=False))


@DELEGATION.case(nested(), NESTED, doors=('capability',))
async def streamed(w: World) -> None:
    """A tool that reads the text of a nested `run_stream`."""
    agent = inner(w)

    async def reads() -> None:
        async with agent.run_stream('hello') as result:
            async for _ in result.stream_text(debounce_by=None):
                pass
            w.keep(result)

    await w.run(w.agent(tools=[asking(w, reads)]))


@DELEGATION.case(
    in_turn_of_each({INNER: (ANSWER,)}, calling(Call('final_result', {'value': 3}, id='out'))),
    Expected(requests=TWO, tools=good('final_result'), nested={'inner': 'success'}),
    but={'watch': {'untimed': ('final_result',)}},
)
async def output_function(w: World) -> None:
    """An output function that runs an agent."""
    agent = inner(w)

    async def asks(value: int) -> int:
        with w.stamping('final_result'):
            await w.run(agent)
        return value

    await w.run(w.agent(output_type=ToolOutput(asks, name='final_result')))


@DELEGATION.case(
    nested(('ask',), FAILURE),
    Expected(
        'error ModelHTTPError_500',
        requests=('success', 'error ModelHTTPError_500'),
        tools=('ask error ModelHTTPError_500',),
        nested={'inner': 'error ModelHTTPError_500'},
    ),
    raises=ModelHTTPError,
)
async def fails(w: World) -> None:
    """A nested run that fails, and its tool and its caller with it."""
    agent = inner(w)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@DELEGATION.case(
    nested(('ask',), FAILURE),
    Expected(
        requests=('success', 'error ModelHTTPError_500', 'success'),
        tools=('ask retried model_retry',),
        nested={'inner': 'error ModelHTTPError_500'},
    ),
)
async def fails_and_is_caught(w: World) -> None:
    """A nested run that fails, for which its tool asks for another try."""
    agent = inner(w)

    async def tries() -> None:
        try:
            await w.run(agent)
        except ModelHTTPError as error:
            raise ModelRetry('later') from error

    await w.run(w.agent(tools=[asking(w, tries)]))


@DELEGATION.case(
    nested(('ask',), calling(*calls('dig'))),
    Expected(
        requests=THREE,
        tools=good('ask', 'dig'),
        nested={'inner': 'limit UsageLimitExceeded'},
    ),
)
async def limited(w: World) -> None:
    """A nested run that a limit of its own ends."""
    agent = inner(w, tools=[w.tool('dig', 0.02)])

    async def tries() -> None:
        with contextlib.suppress(UsageLimitExceeded):
            await w.run(agent, usage_limits=UsageLimits(request_limit=1))

    await w.run(w.agent(tools=[asking(w, tries)]))


@DELEGATION.case(
    nested(('ask',), calling(*calls('stop'))),
    Expected(
        requests=THREE,
        tools=('ask failed', 'stop interrupted'),
        nested={'inner': 'cancelled'},
    ),
)
async def cancels_itself(w: World) -> None:
    """A nested run that cancels itself: of its caller only the tool fails."""

    async def stop(ctx: RunContext[Any]) -> str:
        with w.stamping('stop'):
            ctx.cancel()
            await asyncio.sleep(5)
        return 'never'

    agent = inner(w, tools=[stop])
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@DELEGATION.case(
    nested(('ask',), Reply((Say('so far'), Hang()), **PACE)),
    Expected('cancelled', requests=('success', 'cancelled'), tools=('ask interrupted',), nested={'inner': 'cancelled'}),
)
async def cancelled_with_its_caller(w: World) -> None:
    """A nested run whose caller is cancelled in the middle of its stream."""
    agent = inner(w)
    task = asyncio.create_task(w.run(w.agent(tools=[asking(w, lambda: w.run(agent))])))
    await w.served(2, chunks=1)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@DELEGATION.case(
    nested(('ask',), Reply((Say('so far'), Hang()), **PACE)),
    Expected(
        'timeout RunTimedOut',
        requests=('success', 'timeout'),
        tools=('ask interrupted',),
        nested={'inner': 'timeout RunTimedOut'},
    ),
)
async def timed_out_with_its_caller(w: World) -> None:
    """A nested run in the middle of whose stream its caller's time is up."""
    agent = inner(w)
    with contextlib.suppress(TimeoutError):
        await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]), timeout=0.8)


@DELEGATION.case(nested(), NESTED)
async def outlives(w: World) -> None:
    """A nested run in a task that goes on when its tool and its caller are over."""
    agent = inner(w)
    tasks: list[asyncio.Task[Any]] = []

    async def starts() -> None:
        tasks.append(asyncio.create_task(w.run(agent)))

    await w.run(w.agent(tools=[asking(w, starts)]))
    await asyncio.gather(*tasks)


@DELEGATION.case(
    nested(('ask',), calling(*calls('dig'))),
    Expected(
        'limit UsageLimitExceeded',
        requests=TWO,
        tools=('ask error UsageLimitExceeded', 'dig success'),
        nested={'inner': 'limit UsageLimitExceeded'},
    ),
    raises=UsageLimitExceeded,
)
async def limited_with_its_caller(w: World) -> None:
    """A nested run whose limit ends its caller, too."""
    agent = inner(w, tools=[w.tool('dig', 0.02)])
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent, usage_limits=UsageLimits(request_limit=1)))]))
