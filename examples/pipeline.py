"""Three agents in a row, each working on what the one before made, and what they took together.

Look at the table: one line for each stage, and the total of the whole pipeline with its tokens and its cost.
Tutorials add up `result.usage()` by hand; today it is the attribute `result.usage`, and here nobody adds up anything.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import Tap
from streamtap.testing import PacedProvider, Reply, TokenUsage, words

STAGES = {
    'outline': 'Outline an article in three points.',
    'write': 'Write the article of this outline.',
    'edit': 'Shorten this article.',
}
REPLIES = [
    Reply(words('Foxes: where, what, why.'), first_after=0.2, every=0.02, usage=TokenUsage(400, 80)),
    Reply(
        words('Foxes live in woods and towns. They eat mice.'), first_after=0.4, every=0.02, usage=TokenUsage(500, 900)
    ),
    Reply(words('Foxes eat mice.'), first_after=0.2, every=0.02, usage=TokenUsage(1300, 60)),
]


async def main(base_url: str) -> None:
    """Hand each stage's output to the next."""
    tap = Tap()
    provider = OpenAIProvider(base_url=base_url, api_key='not needed')
    text = 'Foxes'
    for name, instructions in STAGES.items():
        model = OpenAIChatModel('gpt-4.1-mini', provider=provider)
        stage = Agent(model, name=name, instructions=instructions, capabilities=[tap.capability(stream=True)])
        async with stage:
            text = (await stage.run(text)).output
    print(text)
    summary = tap.usage.summary()
    print(f'{summary.total.input_tokens} tokens in, {summary.total.output_tokens} out, ${summary.total.cost_usd:.4f}')
    print(summary)


if __name__ == '__main__':
    with PacedProvider(REPLIES) as paced:
        asyncio.run(main(paced.base_url))
