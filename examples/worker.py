"""A worker that takes jobs from a queue, one after the other, for as long as it lives.

Look at `/metrics` while it works: `pydantic_ai_runs_in_progress` and `pydantic_ai_oldest_run_age_seconds` tell a worker
that hangs from one that has nothing to do. A job that fails is counted by its error and does not end the loop.
Leaving the tap's block, also by SIGTERM, reports what is still open as `incomplete`.
"""

import asyncio
import signal
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from streamtap import Tap, serve


async def process(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model, which fails on one job."""
    await asyncio.sleep(0.05)
    if 'job 2' in str(messages[-1]):
        raise ConnectionError('the provider hung up')
    yield 'Processed.'


async def work(agent: Agent, jobs: asyncio.Queue[str]) -> None:
    """Process jobs for ever."""
    while True:
        job = await jobs.get()
        try:
            print(f'{job}: {(await agent.run(job)).output}')
        except Exception as error:
            print(f'{job}: {type(error).__name__}')
        finally:
            jobs.task_done()


async def main() -> None:
    """Serve the metrics, fill the queue, and work until it is empty or the process is told to stop."""
    jobs: asyncio.Queue[str] = asyncio.Queue()
    for number in range(5):
        jobs.put_nowait(f'job {number}')
    async with Tap() as tap:
        agent = Agent(
            FunctionModel(stream_function=process, model_name='slow'),
            name='worker',
            capabilities=[tap.capability(stream=True)],
        )
        with serve(port=0) as server:
            print(f'metrics on {server.url}')
            worker = asyncio.create_task(work(agent, jobs))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.cancel)
            await asyncio.wait([worker, asyncio.create_task(jobs.join())], return_when=asyncio.FIRST_COMPLETED)
            worker.cancel()
        print(tap.usage.summary())


if __name__ == '__main__':
    asyncio.run(main())
