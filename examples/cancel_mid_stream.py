"""The user has seen enough, and the stream is cancelled in its middle.

Look at the response: `cancelled`, with the chunks that came and without an error, and the provider sees at once that
nobody listens. Tokens are absent, as a stream reports them only at its end: that no one counts them as 0 is the point.
Tutorials only leave the `async for` by `break`; today `result.cancel()` closes the connection at once.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap.testing import PacedProvider, Reply, capture, words

STORY = words('Once upon a time there was a fox who ' + 'ran and ran and ' * 50)


async def main(provider: PacedProvider) -> None:
    """Cancel at the fox."""
    model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=provider.base_url, api_key='not needed'))
    with capture() as seen:
        agent = Agent(model, name='teller', capabilities=[seen.tap.capability()])
        async with agent, agent.run_stream('Tell me a story') as result:
            async for text in result.stream_text(debounce_by=None):
                if 'fox' in text:
                    await result.cancel()
                    break
        print(result.response.text)
    [response] = seen.responses()
    print(f'{response.outcome}: {response.chunks} chunks, tokens {response.output_tokens}, error {response.error_type}')
    print(f'the provider had sent {len(provider.served[0].chunks)} of {len(STORY)} words')


if __name__ == '__main__':
    with PacedProvider([Reply(STORY, first_after=0.1, every=0.02)]) as paced:
        asyncio.run(main(paced))
