"""Gradio: a chat that streams its answers, and below it how long the screen of each was blank, and its speed.

Run it after `pip install gradio`, ask something on http://127.0.0.1:7860, and look at the table: the first row is your
answer. Its numbers come from the tap's records: nothing here looks at a clock.
Tutorials return the whole answer; here each piece is shown as it comes, which is what a short blank screen is for.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator
from typing import ClassVar

import gradio
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from streamtap import BaseSink, ResponseRecord, RunRecord, Tap


class LatestRuns(BaseSink):
    """Keeps a row for each of the last ten runs."""

    inline: ClassVar[bool] = True

    def __init__(self) -> None:
        self.rows: deque[list[str | float | None]] = deque(maxlen=10)
        self._speeds: dict[str, float | None] = {}

    def response_ended(self, record: ResponseRecord) -> None:
        """Remember how fast the last response of a run was."""
        self._speeds[record.run_id] = record.output_tokens_per_second

    def run_ended(self, record: RunRecord) -> None:
        """Make a row of a run."""
        self.rows.appendleft([record.outcome, record.time_to_first_output, self._speeds.pop(record.run_id, None)])


async def slowly(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model: put `Agent('openai:gpt-5.2', ...)` below instead."""
    await asyncio.sleep(0.3)
    for word in ['Because', 'the', 'sky', 'scatters', 'blue', 'light', 'most.']:
        yield f'{word} '
        await asyncio.sleep(0.05)


latest = LatestRuns()
tap = Tap([latest])
agent = Agent(
    FunctionModel(stream_function=slowly, model_name='slow'), name='physicist', capabilities=[tap.capability()]
)


async def answer(question: str, history: object) -> AsyncIterator[tuple[str, list[list[str | float | None]]]]:
    """The answer so far, again and again, and the table."""
    text = ''
    async with agent.run_stream(question) as result:
        async for text in result.stream_text(debounce_by=None):
            yield text, list(latest.rows)
    yield text, list(latest.rows)


table = gradio.Dataframe(headers=['outcome', 'blank screen, s', 'tokens per second'], render=False)
with gradio.Blocks(analytics_enabled=False) as page:
    gradio.ChatInterface(answer, additional_outputs=[table])
    table.render()

if __name__ == '__main__':
    page.launch(server_port=int(sys.argv[1]) if sys.argv[1:] else 7860)
