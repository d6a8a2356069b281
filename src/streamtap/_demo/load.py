"""One agent of the demo and how hard it is driven."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic_ai import Agent

    from streamtap._tap import Tap


@dataclass(frozen=True)
class Load:
    """An agent, what it is asked and how often.

    Args:
        agent: The agent.
        prompts: What it is asked, in turn; `{run}` becomes the number of the run.
        workers: How many of its runs are in progress at the same time.
        pause: Seconds between a worker's runs.
        handler: A tap that is given to each run; `None` if the agent has it as a capability.
    """

    agent: Agent[None, str]
    prompts: Sequence[str]
    workers: int
    pause: float
    handler: Tap | None = None

    async def work(self, numbers: Iterator[int], failed: Callable[[str, Exception], None]) -> None:
        """Act as one worker: run the agent again and again, until cancelled.

        Args:
            numbers: Numbers the runs, shared by the agent's workers.
            failed: Called for each run that raised.
        """
        for number in numbers:
            prompt = self.prompts[number % len(self.prompts)].format(run=number)
            try:
                await self.agent.run(prompt, event_stream_handler=self.handler)
            except Exception as error:
                failed(self.agent.name or '', error)
            await asyncio.sleep(self.pause)
