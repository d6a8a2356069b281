"""The demo's agents and their tools."""

from __future__ import annotations

import asyncio
import contextlib
import random
from functools import partial
from typing import TYPE_CHECKING

from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap._demo.load import Load
from streamtap._demo.replies import reply_to
from streamtap._demo.token_counts import UNIQUE, pretends
from streamtap.testing import PacedProvider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from streamtap._demo.fault import Fault
    from streamtap._tap import Tap

TURNS = 6
"""How many questions a conversation has."""

ATTEMPTS = 2
"""How often a question is asked, if its run fails."""

OF_LONG_LOG = 31_000
"""Tokens of a log that fills o4-mini, which holds 200,000, within one conversation."""


@contextlib.asynccontextmanager
async def fake_loads(tap: Tap, fault: Fault) -> AsyncGenerator[tuple[Load, ...]]:
    """The agents, tapped, with their provider running.

    Args:
        tap: The tap they are given.
        fault: What goes wrong instead of the usual mishaps.
    """
    # No proxy from the environment may come between the agents and the provider on loopback,
    # and no retry by the client may hide a rate limit.
    http = DefaultAsyncHttpxClient(trust_env=False)
    with PacedProvider(partial(reply_to, fault=fault), keep=100) as provider:
        async with AsyncOpenAI(base_url=provider.base_url, api_key='none', max_retries=0, http_client=http) as client:
            yield _loads(tap, fault, OpenAIProvider(openai_client=client))


def _loads(tap: Tap, fault: Fault, provider: OpenAIProvider) -> tuple[Load, ...]:
    def model(name: str) -> OpenAIChatModel:
        return OpenAIChatModel(name, provider=provider)

    tapped = [tap.capability(stream=True)]
    researcher = Agent(model('gpt-5.2'), name='researcher', capabilities=tapped)
    support = Agent(FallbackModel(model('gpt-5-mini'), model('gpt-4.1-mini')), name='support', capabilities=tapped)
    editor = Agent(model('gpt-4.1-mini'), name='editor', capabilities=tapped)
    coder = Agent(model('o4-mini'), name='coder')

    @researcher.tool_plain
    async def search_web(query: str) -> str:
        await asyncio.sleep(random.uniform(4.0, 6.0) if fault.is_on('slow-tool') else random.uniform(0.3, 0.6))
        return f'3 pages about {query}'

    @researcher.tool_plain
    async def search_papers(query: str) -> str:
        await asyncio.sleep(random.uniform(0.15, 0.3))
        return f'2 papers about {query}'

    @researcher.instructions
    def run_id(ctx: RunContext[object]) -> str | None:
        return f'{UNIQUE} {ctx.run_id}.' if fault.is_on('cache') else None

    @support.tool_plain
    async def find_order(number: str) -> str:
        await asyncio.sleep(random.uniform(0.05, 0.12))
        if not number.startswith('A-'):
            raise ModelRetry('order numbers look like A-4711')
        return f'{number} was shipped yesterday'

    @coder.tool_plain(sequential=True)
    async def apply_patch(file: str) -> str:
        await asyncio.sleep(random.uniform(0.1, 0.2))
        return f'patched {file}'

    @coder.tool_plain
    async def run_tests() -> str:
        await asyncio.sleep(random.uniform(1.1, 1.4))
        return pretends(OF_LONG_LOG if fault.is_on('context') else 100, '214 passed')

    @editor.tool_plain
    async def ask_researcher(question: str) -> str:
        return (await researcher.run(question)).output

    load = partial(Load, tap=tap, turns=TURNS, attempts=ATTEMPTS)
    return (
        load(
            agent=researcher,
            prompts=('What is known about tides? #{run}', 'Compare high and low tide. #{run}'),
            workers=2,
            pause=0.6,
        ),
        load(
            agent=support,
            prompts=('Where is my parcel? #{run}', 'Order 4711 never came. #{run}'),
            workers=2,
            pause=0.4,
        ),
        load(
            agent=coder,
            prompts=('Make the tests pass. #{run}', 'Rename this module. #{run}'),
            workers=2,
            pause=0.5,
            door='handler',
        ),
        load(
            agent=editor,
            prompts=('Write a note about tides. #{run}', 'Explain the tides. #{run}'),
            workers=1,
            pause=0.8,
        ),
    )
