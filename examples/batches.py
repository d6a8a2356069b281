"""A hundred documents in batches, a few at a time, with a line for each batch as it is done.

Look at the lines: `tap.usage.reset()` begins each batch anew, so that a batch that gets slower, costs more or fails more
often stands out at once. Prometheus counters go on all the while.
"""

import asyncio
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from streamtap import Tap

BATCH = 25
AT_ONCE = 5


async def summarise(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model, which refuses one document in twenty."""
    await asyncio.sleep(0.02)
    if 'document 19' in str(messages[-1]) or 'document 59' in str(messages[-1]):
        raise ConnectionError('the provider hung up')
    yield 'A summary.'


tap = Tap()
agent = Agent(
    FunctionModel(stream_function=summarise, model_name='slow'),
    name='summary',
    capabilities=[tap.capability(stream=True)],
)


async def main() -> None:
    """Work through the documents."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def work(document: str) -> None:
        async with slots:
            try:
                await agent.run(document)
            except ConnectionError as error:
                print(f'{document}: {error}')

    documents = [f'document {number}' for number in range(100)]
    for start in range(0, len(documents), BATCH):
        await asyncio.gather(*map(work, documents[start : start + BATCH]))
        total = tap.usage.summary().total
        print(f'from {start}: {total.outcomes}, {total.output_tokens} tokens, p95 {total.run_duration_p95:.2f} s')
        tap.usage.reset()


if __name__ == '__main__':
    asyncio.run(main())
