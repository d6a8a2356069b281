"""One agent of the demo and how hard it is driven."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelMessage

    from streamtap._tap import Tap


@dataclass(frozen=True, kw_only=True)
class Load:
    """An agent, what it is asked and how often.

    Args:
        agent: The agent.
        tap: The tap that watches it.
        prompts: What it is asked, in turn; `{run}` becomes the number of the run.
        workers: How many of its runs are in progress at the same time.
        pause: Seconds between a worker's questions.
        door: `handler` to give the tap to each run; otherwise the agent has it as a capability.
        turns: How many answers a conversation has.
        attempts: How often a question is asked at most, until a run answers it.
    """

    agent: Agent[None, str]
    tap: Tap
    prompts: Sequence[str]
    workers: int
    pause: float
    door: Literal['capability', 'handler'] = 'capability'
    turns: int = 1
    attempts: int = 1

    async def work(self, numbers: Iterator[int], failed: Callable[[str, Exception], None]) -> None:
        """Act as one worker: have conversations with the agent, until cancelled.

        Args:
            numbers: Numbers the runs, shared by the agent's workers.
            failed: Called for each run that raised.
        """
        while True:
            history: Sequence[ModelMessage] = ()
            for _ in range(self.turns):
                history = await self._ask(history, numbers, failed)
                await asyncio.sleep(self.pause)

    async def _ask(
        self, history: Sequence[ModelMessage], numbers: Iterator[int], failed: Callable[[str, Exception], None]
    ) -> Sequence[ModelMessage]:
        """Ask one question; returns the conversation, with the answer if there was one."""
        with self.tap.question():
            for _ in range(self.attempts):
                number = next(numbers)
                prompt = self.prompts[number % len(self.prompts)].format(run=number)
                handler = self.tap if self.door == 'handler' else None
                try:
                    result = await self.agent.run(prompt, message_history=history, event_stream_handler=handler)
                    return result.all_messages()
                except Exception as error:
                    failed(self.agent.name or '', error)
        return history
