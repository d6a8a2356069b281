"""`run_stream` with a progress line that tells a slow model from one that hangs.

Look at the progress: `tap.live()` shows how long the model has been silent and how many chunks came, while it goes on.
The line after it is the finished record: the gap in mid-stream is the longest wait, and none of your own time is in it.
Tutorials iterate `result.stream()`; today it is `result.stream_text()`, and `delta=True` gives only what is new.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import BaseSink, ResponseRecord, Tap
from streamtap.testing import PacedProvider, Pause, Reply, words


class Pace(BaseSink):
    """Prints how each response came."""

    def response_ended(self, record: ResponseRecord) -> None:
        """One line for each response."""
        print(
            f'{record.chunks} chunks, first after {record.time_to_first_token:.2f} s, longest gap {record.max_inter_chunk_latency:.2f} s'
        )


async def show_progress(tap: Tap) -> None:
    """Say each 0.2 seconds what the model is doing."""
    while True:
        await asyncio.sleep(0.2)
        for response in tap.live().responses:
            print(f'  ... {response.chunks} chunks, silent for {response.wait or 0:.1f} s')


async def main(base_url: str) -> None:
    """Stream one answer."""
    model = OpenAIChatModel('gpt-4.1-mini', provider=OpenAIProvider(base_url=base_url, api_key='not needed'))
    tap = Tap([Pace()])
    agent = Agent(model, name='teller', capabilities=[tap.capability()])
    async with tap, agent:
        progress = asyncio.create_task(show_progress(tap))
        async with agent.run_stream('Tell me a story') as result:
            async for text in result.stream_text(delta=True, debounce_by=None):
                print(text.strip())
        progress.cancel()


if __name__ == '__main__':
    story = (*words('Once upon a time'), Pause(0.7), *words('there was a fox.'))
    with PacedProvider([Reply(story, first_after=0.5, every=0.05)]) as provider:
        asyncio.run(main(provider.base_url))
