"""Agents that ask a server in each format, tapped at each door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from anthropic import AsyncAnthropic
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from streamtap import Tap
from streamtap.testing import MemorySink

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from judges.answers import Asked
    from support.doors import Door

Format: TypeAlias = Literal['chat', 'responses', 'anthropic']

FORMATS: tuple[Format, ...] = get_args(Format)
"""In which a server is asked."""

NAME = 'judge'
"""The model's name; llama.cpp has one model and takes any."""


def model(format_: Format, port: int) -> Model:
    """A model that is reached on loopback.

    Args:
        format_: How it is asked.
        port: The port.
    """
    base_url = f'http://127.0.0.1:{port}'
    if format_ == 'anthropic':
        client = AsyncAnthropic(api_key='none', base_url=base_url)
        return AnthropicModel(NAME, provider=AnthropicProvider(anthropic_client=client))
    provider = OpenAIProvider(base_url=f'{base_url}/v1', api_key='none')
    return (
        OpenAIChatModel(NAME, provider=provider) if format_ == 'chat' else OpenAIResponsesModel(NAME, provider=provider)
    )


@dataclass(frozen=True)
class Tapped:
    """A tap that remembers, of one run.

    Args:
        tap: The tap.
        memory: What it was told.
    """

    tap: Tap
    memory: MemorySink

    @classmethod
    def new(cls, *, stall_after: float = 5.0) -> Tapped:
        """A new tap.

        Args:
            stall_after: Seconds above which a silence is a stall.
        """
        memory = MemorySink()
        return cls(Tap([memory], stall_after=stall_after), memory)


async def run(question: Asked, asked_of: Model, door: Door, tapped: Tapped) -> None:
    """Run an agent with a tap at a door.

    Args:
        question: What it asks.
        asked_of: The model.
        door: The door.
        tapped: The tap.
    """
    capabilities = [tapped.tap.capability(stream=True)] if door == 'capability' else []
    settings: Any = {'max_tokens': question.max_tokens, 'temperature': 0.2, 'parallel_tool_calls': False}
    agent: Agent[None, Any] = Agent(
        asked_of, name='judged', capabilities=capabilities, model_settings=settings, **question.agent
    )
    if door == 'watch':
        async with agent.run_stream_events(question.prompt) as events:
            async for _ in tapped.tap.watch(events):
                pass
    else:
        await agent.run(question.prompt, event_stream_handler=tapped.tap if door == 'handler' else None)
