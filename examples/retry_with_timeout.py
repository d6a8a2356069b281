"""A run that takes too long is given up and tried again.

Look at the outcomes: a `timeout` and a `success` are two runs, each with its own times.
Give the time limit to the run: under `asyncio.wait_for()` the tap, like everybody else, can only see a cancelled task.
"""

import asyncio
import contextlib

from pydantic_ai import Agent
from pydantic_ai.exceptions import RunTimedOut
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import Tap
from streamtap.testing import Hang, PacedProvider, Reply, words


async def ask(agent: Agent, question: str, *, attempts: int = 3) -> str:
    """The answer, from the first attempt that is fast enough.

    Args:
        agent: Whom to ask.
        question: What.
        attempts: How often to try at most.

    Raises:
        RunTimedOut: If not even the last was.
    """
    for attempt in range(1, attempts):
        with contextlib.suppress(RunTimedOut):
            return (await agent.run(question, timeout=1.0)).output
        print(f'attempt {attempt} timed out')
        await asyncio.sleep(0.1 * attempt)
    return (await agent.run(question, timeout=1.0)).output


async def main(base_url: str) -> None:
    """Ask a provider that hangs in the middle of its first answer."""
    model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=base_url, api_key='not needed'))
    tap = Tap()
    agent = Agent(model, name='patient', capabilities=[tap.capability(stream=True)])
    async with agent:
        print(await ask(agent, 'Are you there?'))
    for run in tap.usage.summary().recent_runs:
        print(f'{run.outcome} after {run.duration:.1f} s')


if __name__ == '__main__':
    with PacedProvider([Reply([*words('Let me'), Hang()]), Reply(words('I am here.'))]) as provider:
        asyncio.run(main(provider.base_url))
