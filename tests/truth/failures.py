"""Every way in which a provider fails."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from openai import AsyncOpenAI
from pydantic_ai import ModelRetry
from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError

from streamtap.testing import Call, Drop, Fail, Reply, Say
from support.paced_models import paced_model
from truth.case import Expected, Group
from truth.replies import PACE, calling

if TYPE_CHECKING:
    from truth.world import World

FAILURES = Group('Providers that fail')

REFUSES = Reply((Fail('slow down', 429),), status=429, headers_after=0.05)
BREAKS = Reply(status=500, headers_after=0.05)
ERROR = Reply((Say('so '), Say('far'), Fail('overloaded', 500)), **PACE)
HANGS_UP = Reply((Say('so '), Say('far'), Drop()), **PACE)
SAYS_NOTHING = Reply((Drop(),), headers_after=0.05)


@FAILURES.case(
    [REFUSES], Expected('error ModelHTTPError_429', requests=('error ModelHTTPError_429',)), raises=ModelHTTPError
)
async def refused(w: World) -> None:
    """Status 429 before the first chunk."""
    await w.run(w.agent())


@FAILURES.case(
    [BREAKS], Expected('error ModelHTTPError_500', requests=('error ModelHTTPError_500',)), raises=ModelHTTPError
)
async def broken(w: World) -> None:
    """Status 500 before the first chunk."""
    await w.run(w.agent())


@FAILURES.case(
    [BREAKS],
    Expected('error ModelHTTPError_500', requests=('error ModelHTTPError_500',)),
    raises=ModelHTTPError,
    doors=('capability',),
)
async def broken_unstreamed(w: World) -> None:
    """Status 500 to a request that nobody streams."""
    await w.run(w.agent(stream=False))


@FAILURES.case(
    [SAYS_NOTHING],
    Expected('error ModelConnectionError', requests=('error ModelConnectionError',)),
    raises=ModelConnectionError,
)
async def nobody_there(w: World) -> None:
    """The connection is refused."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{taken.getsockname()[1]}/v1'
        async with AsyncOpenAI(base_url=url, api_key='not-needed', max_retries=0) as client:
            await w.run(w.agent(paced_model(client)))


@FAILURES.case(
    [SAYS_NOTHING],
    Expected('error ModelConnectionError', requests=('error ModelConnectionError',)),
    raises=ModelConnectionError,
)
async def hung_up_at_once(w: World) -> None:
    """The server hangs up before the first chunk."""
    await w.run(w.agent())


@FAILURES.case(
    [HANGS_UP],
    Expected('error ModelConnectionError', requests=('error ModelConnectionError',)),
    raises=ModelConnectionError,
)
async def hung_up(w: World) -> None:
    """The server hangs up in mid-stream."""
    await w.run(w.agent())


@FAILURES.case(
    [ERROR], Expected('error ModelHTTPError_500', requests=('error ModelHTTPError_500',)), raises=ModelHTTPError
)
async def error_object(w: World) -> None:
    """An error object in mid-stream."""
    await w.run(w.agent())


@FAILURES.case(
    [calling(Call('nap', {})), ERROR],
    Expected('error ModelHTTPError_500', requests=('success', 'error ModelHTTPError_500'), tools=('nap success',)),
    raises=ModelHTTPError,
)
async def error_after_tool(w: World) -> None:
    """An error object in mid-stream, after a tool."""
    await w.run(w.agent(tools=[w.tool('nap')]))


@FAILURES.case(
    [calling(Call('nap', {})), BREAKS],
    Expected('error ModelHTTPError_500', requests=('success', 'error ModelHTTPError_500'), tools=('nap success',)),
    raises=ModelHTTPError,
)
async def broken_after_tool(w: World) -> None:
    """Status 500 after a tool."""
    await w.run(w.agent(tools=[w.tool('nap')]))


@FAILURES.case(
    [Reply((Say('no'), Say('pe')), **PACE), BREAKS],
    Expected('error ModelHTTPError_500', requests=('success', 'error ModelHTTPError_500'), output_retries=1),
    raises=ModelHTTPError,
)
async def broken_after_retry(w: World) -> None:
    """Status 500 after a text that was sent back."""
    agent = w.agent()

    @agent.output_validator
    def refuse(output: str) -> str:
        raise ModelRetry('again')

    await w.run(agent)


@FAILURES.case(
    [Reply((Say('no'), Say('pe')), **PACE), ERROR],
    Expected('error ModelHTTPError_500', requests=('success', 'error ModelHTTPError_500'), output_retries=1),
    raises=ModelHTTPError,
)
async def error_after_retry(w: World) -> None:
    """An error object in mid-stream, after a text that was sent back."""
    agent = w.agent()

    @agent.output_validator
    def refuse(output: str) -> str:
        raise ModelRetry('again')

    await w.run(agent)
