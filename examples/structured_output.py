"""Structured output, validated and shown while it is still being written.

Look at the two times: the first field could be shown long before the output was complete, which is what streaming a
form, a table or a card is for. Both count from the start of the run.
Tutorials pass `result_type=` and iterate `result.stream_structured()`; today they are `output_type=` and
`result.stream_output()`.
"""

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import Call, PacedProvider, Reply, capture


class Recipe(BaseModel):
    """What the user sees grow; every field has a default, as any of them may still be missing."""

    title: str = ''
    steps: list[str] = []


RECIPE = Recipe(title='Toast', steps=['Cut the bread.', 'Toast it.', 'Butter it.'])


async def main(base_url: str) -> None:
    """Show the recipe each time it grew."""
    model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=base_url, api_key='not needed'))
    with capture() as seen:
        agent = Agent(model, name='cook', output_type=Recipe, capabilities=[seen.tap.capability()])
        async with agent, agent.run_stream('Toast, please') as result:
            async for recipe in result.stream_output(debounce_by=0.1):
                print(recipe.title, *recipe.steps, sep=' | ')
    print(f'first output after {seen.run().time_to_first_output:.1f} s, complete after {seen.run().duration:.1f} s')


if __name__ == '__main__':
    reply = Reply([Call('final_result', RECIPE.model_dump(), pieces=20)], first_after=0.3, every=0.05)
    with PacedProvider([reply]) as provider:
        asyncio.run(main(provider.base_url))
