"""Your own event stream handler beside the tap.

Look at the order: your handler gets every event as it would alone, and the tap measures the same run.
The time your handler takes is yours, in the phase `consumer`: it is in no time to first token.
Tutorials give `event_stream_handler=` to `Agent(...)`; today it is an argument of the run.
"""

import asyncio
from collections.abc import AsyncIterable

from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import AgentStreamEvent, FunctionToolCallEvent, FunctionToolResultEvent
from pydantic_ai.models.test import TestModel

from streamtap import Tap

agent = Agent(TestModel(custom_output_text='It is sunny in Rome.'), name='guide')


@agent.tool_plain
async def weather(city: str) -> str:
    """The weather in a city."""
    return f'sunny in {city}'


async def narrate(ctx: RunContext[None], events: AsyncIterable[AgentStreamEvent]) -> None:
    """Tell the user what the agent is doing."""
    async for event in events:
        if isinstance(event, FunctionToolCallEvent):
            print(f'looking up the {event.part.tool_name} ...')
            await asyncio.sleep(0.2)
        elif isinstance(event, FunctionToolResultEvent):
            print(f'... {event.part.content}')


async def main() -> None:
    """Run once."""
    tap = Tap()
    result = await agent.run('How is Rome?', event_stream_handler=tap.beside(narrate))
    print(result.output)
    [run] = tap.usage.summary().recent_runs
    print(f'{run.outcome} after {run.duration:.1f} s, {run.phases["consumer"]:.1f} s of it in the handler')


if __name__ == '__main__':
    asyncio.run(main())
