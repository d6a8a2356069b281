"""An editor that asks a researcher that searches: what the tests with real servers run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent

from streamtap.testing import Call, Fail, PacedProvider, Reply, Say, Think, TokenUsage, words
from support.paced_models import paced_client, paced_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openai import AsyncOpenAI
    from pydantic_ai.models.instrumented import InstrumentationSettings

    from streamtap import Tap

EDITOR = 'gpt-5.2'
RESEARCHER = 'gpt-4.1-mini'


def _reply(*steps: Say | Think | Call, input_tokens: int) -> Reply:
    reasoning = sum(isinstance(step, Think) for step in steps)
    return Reply(steps, first_after=0.05, every=0.01, usage=TokenUsage(input=input_tokens, reasoning=reasoning))


NOTE = (
    _reply(
        *words('Somebody else should know.', Think),
        *words('Let me ask.'),
        Call('ask_researcher', {'question': 'What makes the tides?'}, pieces=4),
        input_tokens=120,
    ),
    _reply(Call('search', {'query': 'tides'}, pieces=2), input_tokens=60),
    _reply(*words('The moon does, and less so the sun.'), input_tokens=90),
    _reply(*words('Tides are made by the moon and the sun.'), input_tokens=180),
)
"""The replies to one note of the editor's."""

REFUSAL = (Reply([Fail('the server had an error', 500)], status=500),)
"""The same, but the first request fails."""


def write_a_note(
    tap: Tap, door: str, script: Sequence[Reply] = NOTE, *, instrument: InstrumentationSettings | None = None
) -> None:
    """Run the editor once, tapped.

    Args:
        tap: What is plugged in.
        door: How: `capability`, or else as the handler.
        script: What the models say.
        instrument: pydantic-ai's own instrumentation, if it is to be on.
    """

    async def run() -> None:
        with PacedProvider(script) as provider:
            async with paced_client(provider) as client:
                await _editor(client, tap, door, instrument).run('A note about tides, please.', **_arguments(tap, door))

    asyncio.run(run())


def _arguments(tap: Tap, door: str) -> dict[str, Any]:
    return {} if door == 'capability' else {'event_stream_handler': tap}


def _editor(client: AsyncOpenAI, tap: Tap, door: str, instrument: InstrumentationSettings | None) -> Agent[None, str]:
    capabilities = [tap.capability(stream=True)] if door == 'capability' else []
    editor = Agent(paced_model(client, EDITOR), name='editor', capabilities=capabilities, retries=0)
    researcher = Agent(paced_model(client, RESEARCHER), name='researcher', capabilities=capabilities)
    editor.instrument = researcher.instrument = instrument

    @editor.tool_plain
    async def ask_researcher(question: str) -> str:
        return (await researcher.run(question, **_arguments(tap, door))).output

    @researcher.tool_plain
    async def search(query: str) -> str:
        await asyncio.sleep(0.02)
        return f'3 pages about {query}'

    return editor
