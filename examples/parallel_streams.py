"""Several streams of one agent at once, as a chat server has them.

Look at `TTFT p50` and `p95`: one slow stream in five shows in the second, and hides in an average.
All of them took as long as the slowest: they do not wait for each other, and neither do their measurements.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import Tap
from streamtap.testing import ChatRequest, PacedProvider, Reply, words


def reply(request: ChatRequest) -> Reply:
    """Every fifth answer is slow."""
    return Reply(words('That is a good question.'), first_after=1.0 if request.number % 5 == 4 else 0.1, every=0.02)


async def main(base_url: str) -> None:
    """Ask ten questions at once."""
    model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=base_url, api_key='not needed'))
    tap = Tap()
    agent = Agent(model, name='chat', capabilities=[tap.capability()])

    async def chat(question: str) -> str:
        async with agent.run_stream(question) as result:
            return ''.join([text async for text in result.stream_text(delta=True)])

    async with agent:
        answers = await asyncio.gather(*(chat(f'Question {number}') for number in range(10)))
    print(len(answers), 'answers')
    print(tap.usage.summary())


if __name__ == '__main__':
    with PacedProvider(reply) as provider:
        asyncio.run(main(provider.base_url))
