"""The real model class of each recorded provider, pointed at the replay server, and an agent with the recorded tools."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anthropic
import google.genai
import groq
import openai
from google.genai.types import HttpOptions
from pydantic_ai import Agent, Tool
from pydantic_ai.capabilities import NativeTool
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.groq import GroqModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.native_tools import CodeExecutionTool, WebSearchTool
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.deepseek import DeepSeekProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.groq import GroqProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.models import Model

    from support.replay_server import Conversation

AGENT = 'replayed'
KEY = 'no-key-at-all'
TOOL_RESULT = 'what only the tool of this test knows'

_NATIVE = {'web_search': WebSearchTool, 'code_execution': CodeExecutionTool, 'code_interpreter': CodeExecutionTool}

_OPENAI: dict[str, Callable[[str, openai.AsyncOpenAI], Model]] = {
    'deepseek': lambda name, client: OpenAIChatModel(name, provider=DeepSeekProvider(openai_client=client)),
    'openai-chat': lambda name, client: OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client)),
    'openai-responses': lambda name, client: OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=client)),
    'openrouter': lambda name, client: OpenRouterModel(name, provider=OpenRouterProvider(openai_client=client)),
}


@contextlib.asynccontextmanager
async def recorded_model(conversation: Conversation, url: str) -> AsyncGenerator[Model]:
    """The model that the conversation was recorded with, asked at `url`; its SDK retries nothing."""
    first = conversation.turns[0]
    name = first.model or ''
    provider = conversation.name.partition('/')[0]
    if provider == 'anthropic':
        async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0) as client:
            yield AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    elif provider == 'groq':
        async with groq.AsyncGroq(base_url=url, api_key=KEY, max_retries=0) as client:
            yield GroqModel(name, provider=GroqProvider(groq_client=client))
    elif provider == 'google':
        with google.genai.Client(api_key=KEY, http_options=HttpOptions(base_url=url)) as client:
            async with client.aio:
                # The request's path names the model, not its body.
                name = first.path.rpartition('/')[2].partition(':')[0]
                yield GoogleModel(name, provider=GoogleProvider(client=client))
    else:
        base = url + first.path.removesuffix('/chat/completions').removesuffix('/responses')
        async with openai.AsyncOpenAI(base_url=base, api_key=KEY, max_retries=0) as client:
            yield _OPENAI[provider](name, client)


def recorded_agent(
    conversation: Conversation, model: Model, capabilities: Sequence[AbstractCapability[Any]] = ()
) -> Agent[None, str]:
    """An agent with every tool that the recorded requests declared, and further capabilities."""
    native = [NativeTool[Any](_NATIVE[name]()) for name in conversation.tools if name in _NATIVE]
    return Agent(
        model,
        name=AGENT,
        tools=[_tool(name) for name in conversation.tools if name not in _NATIVE],
        capabilities=[*native, *capabilities],
    )


def _tool(name: str) -> Tool[object]:
    if name == 'get_something_by_name':
        # The one tool whose recorded arguments are wrong at first: it has to refuse them.
        return Tool(get_something_by_name)

    async def take_anything(**_: object) -> str:
        return TOOL_RESULT

    schema = {'type': 'object', 'additionalProperties': True}
    return Tool[object].from_schema(take_anything, name, 'A recorded tool.', schema)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def get_something_by_name(name: str) -> str:
    """Find something by its name."""
    return f'{TOOL_RESULT}, by the name of {name}'
