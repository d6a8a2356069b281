"""Async tools that run side by side, one that waits for the others, and one that asks the model to try again.

Look at the tools' own durations beside the phase `tools` of the run: two that overlap count once in it.
The call that raised `ModelRetry` is `retried`, and why is in `retry_cause`.
"""

import asyncio

from pydantic_ai import Agent, ModelRetry
from pydantic_ai.models.test import TestModel

from streamtap import BaseSink, RunRecord, Tap, ToolRecord


class Tools(BaseSink):
    """Prints each tool call, then where the time of the run went."""

    def tool_ended(self, record: ToolRecord) -> None:
        """A tool call ended."""
        print(f'{record.tool:10}  {record.duration or 0:.1f} s  {record.outcome}  {record.retry_cause or ""}'.rstrip())

    def run_ended(self, record: RunRecord) -> None:
        """The run ended."""
        print(f'the run: {record.phases["tools"]:.1f} s in tools of {record.duration:.1f} s')


tap = Tap([Tools()])
agent = Agent(TestModel(), name='travel', retries=2, capabilities=[tap.capability()])
trains = iter([ModelRetry('No train then: try an hour later.')])


@agent.tool_plain
async def flights() -> str:
    """Look for flights."""
    await asyncio.sleep(0.4)
    return 'There are three flights.'


@agent.tool_plain
async def hotels() -> str:
    """Look for hotels, at the same time."""
    await asyncio.sleep(0.3)
    return 'There is one hotel.'


@agent.tool_plain
async def railways() -> str:
    """Look for trains, which fails the first time."""
    if refusal := next(trains, None):
        raise refusal
    return 'There is a train.'


@agent.tool_plain(sequential=True)
async def book() -> str:
    """Book, once the others are done."""
    await asyncio.sleep(0.2)
    return 'Booked.'


async def main() -> None:
    """Run once; leaving the tap's block waits for its sinks."""
    async with tap:
        await agent.run('Get me to Rome')


if __name__ == '__main__':
    asyncio.run(main())
