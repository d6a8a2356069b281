"""OpenRouter and LiteLLM: providers behind a base URL of their own, and whose figure the cost is.

Look at the last column, `cost_source`: OpenRouter says what it charged, and that is the cost. LiteLLM's proxy says it
in a header, which no agent sees: there the cost is the list price, and for a model on no list what `Tap(price=)` says.
"""

import asyncio

from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.litellm import LiteLLMProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

from streamtap import BaseSink, ResponseRecord, Tap, UsageSink
from streamtap.testing import PacedProvider, Reply, TokenUsage, words


class Costs(BaseSink):
    """Prints what each response cost, and who says so."""

    def response_ended(self, record: ResponseRecord) -> None:
        """A response ended."""
        print(f'{record.provider:10}  {record.model:27}  ${record.cost_usd:.5f}  {record.cost_source}')


def price(record: ResponseRecord, response: ModelResponse) -> float | None:
    """What a model of our own costs us, which is on no list."""
    return 0.000_001 * (record.output_tokens or 0) if record.model == 'house-model' else None


async def main(base_url: str) -> None:
    """Ask each model once."""
    # Yours: `OpenRouterModel('anthropic/claude-sonnet-4.5')` with `OPENROUTER_API_KEY` in the environment.
    client = AsyncOpenAI(base_url=base_url, api_key='not needed')
    proxy = LiteLLMProvider(openai_client=client)
    models: list[Model] = [
        OpenRouterModel('anthropic/claude-sonnet-4.5', provider=OpenRouterProvider(openai_client=client)),
        OpenAIChatModel('anthropic/claude-sonnet-4.5', provider=proxy),
        OpenAIChatModel('house-model', provider=proxy),
    ]
    async with client, Tap([Costs(), UsageSink()], price=price) as tap:
        for model in models:
            agent = Agent(model, name='frugal', capabilities=[tap.capability(stream=True)])
            await agent.run('How much is it?')
    print(f'together ${tap.usage.summary().total.cost_usd:.5f}')


if __name__ == '__main__':
    charged = Reply(words('It depends.'), usage=TokenUsage(1000, 200, cost=0.0042))
    with PacedProvider(lambda _: charged) as provider:
        asyncio.run(main(provider.base_url))
