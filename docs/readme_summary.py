"""The summary that README.md shows: of scripted agents on a clock that only their models and tools advance.

So it is the same on every machine, and `python docs/generate.py --check` compares it.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from pydantic_ai import Agent
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from streamtap import Tap, UsageSink
from streamtap._display.grid import tables_text
from streamtap.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic_ai.messages import ModelMessage

BEGIN = '<!-- summary: written by docs/readme_summary.py, run `make docs` -->'
END = '<!-- end of summary -->'

WIDTH = 80
"""What every terminal has."""


class Scripted(FunctionModel):
    """A scripted model under the name of a real one, so that it has a list price."""

    @property
    def system(self) -> str:
        """The provider."""
        return 'openai'


def page(text: str) -> str:
    """The page with the summary as it is today between the two marks.

    Args:
        text: The page.
    """
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = '\n'.join(line.rstrip() for line in summary().splitlines())
    return f'{before}{BEGIN}\n\n```text\n{lines}\n```\n\n{END}{after}'


def summary() -> str:
    """Twelve runs of two agents: one has a slow tool, and one run of the other fails."""
    clock = FakeClock()
    some = random.Random(7)
    with Tap([UsageSink()], clock=clock) as tap:
        researcher, support = _researcher(tap, clock, some), _support(tap, clock, some)
        for number in range(6):
            asyncio.run(_run(researcher, f'question {number}'))
            asyncio.run(_run(support, f'order {number}'))
        found = tap.usage.summary()
        # Not `str()`, which has the width of the terminal that this runs in.
        # And without what failed: the page has little room, and the ids of runs are others each time.
        grids = [each for each in found.grids() if each.name != 'failures']
        return tables_text(grids, found.notes(), WIDTH)


async def _run(agent: Agent[None, str], prompt: str) -> None:
    try:
        await agent.run(prompt)
    except KeyError:
        """The one that is meant to fail."""


def _researcher(tap: Tap, clock: FakeClock, some: random.Random) -> Agent[None, str]:
    async def answer(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        clock.advance(some.uniform(0.5, 1.1))
        if len(messages) == 1:
            yield {0: DeltaToolCall('search_web', '{"query": "streaming"}')}
            return
        pause = some.uniform(0.015, 0.03)
        for word in ['Chunks ', 'come ', 'as ', 'they ', 'are ', 'written '] * 8:
            yield word
            clock.advance(pause)

    agent = Agent(
        Scripted(stream_function=answer, model_name='gpt-5.2'),
        name='researcher',
        capabilities=[tap.capability(stream=True)],
    )

    @agent.tool_plain
    def search_web(query: str) -> str:
        clock.advance(some.uniform(2.8, 5.2))
        return f'3 pages about {query}: ' + 'a long text ' * 500

    return agent


def _support(tap: Tap, clock: FakeClock, some: random.Random) -> Agent[None, str]:
    async def answer(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        clock.advance(some.uniform(0.3, 0.6))
        if len(messages) == 1:
            last = str(messages[0].parts[-1])
            yield {0: DeltaToolCall('find_order', '{"number": "B-1"}' if 'order 4' in last else '{"number": "A-1"}')}
            return
        pause = some.uniform(0.008, 0.012)
        for word in ['Your ', 'parcel ', 'was ', 'sent ', 'on ', 'Monday '] * 6:
            yield word
            clock.advance(pause)

    agent = Agent(
        Scripted(stream_function=answer, model_name='gpt-5-mini'),
        name='support',
        capabilities=[tap.capability(stream=True)],
    )

    @agent.tool_plain
    def find_order(number: str) -> str:
        clock.advance(some.uniform(0.08, 0.15))
        return {'A-1': 'sent on Monday'}[number]

    return agent
