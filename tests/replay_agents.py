"""The real model class of each recorded provider, pointed at the replay server, and an agent with the recorded tools."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anthropic
import google.genai
import groq
import httpx
import openai
from google.genai.types import HttpOptions
from pydantic_ai import Agent, Tool
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
    from collections.abc import AsyncIterator

    from pydantic_ai.models import Model

    from replay import Conversation

KEY = 'no-key'
NATIVE = {'web_search': WebSearchTool, 'code_execution': CodeExecutionTool, 'code_interpreter': CodeExecutionTool}


@contextlib.asynccontextmanager
async def recorded_model(conversation: Conversation, url: str) -> AsyncIterator[Model]:
    """The model that the conversation was recorded with, pointed at `url`; its SDK retries nothing."""
    asked = conversation.turns[0].model or ''
    async with contextlib.AsyncExitStack() as closing:
        provider = conversation.name.partition('/')[0]
        if provider == 'anthropic':
            client = await closing.enter_async_context(
                anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=0)
            )
            yield AnthropicModel(asked, provider=AnthropicProvider(anthropic_client=client))
        elif provider == 'google':
            google_client = google.genai.Client(api_key=KEY, http_options=HttpOptions(base_url=url))
            closing.push_async_callback(google_client.aio.aclose)
            closing.callback(google_client.close)
            # No request body names the model; its path does.
            asked = conversation.turns[0].path.rpartition('/')[2].partition(':')[0]
            yield GoogleModel(asked, provider=GoogleProvider(client=google_client))
        elif provider == 'groq':
            groq_client = await closing.enter_async_context(
                groq.AsyncGroq(base_url=url, api_key=KEY, max_retries=0)
            )
            yield GroqModel(asked, provider=GroqProvider(groq_client=groq_client))
        else:
            prefix = conversation.turns[0].path.rpartition('/chat/completions')[0] or (
                conversation.turns[0].path.rpartition('/responses')[0]
            )
            openai_client = await closing.enter_async_context(
                openai.AsyncOpenAI(base_url=url + prefix, api_key=KEY, max_retries=0)
            )
            if provider == 'openai-chat':
                yield OpenAIChatModel(asked, provider=OpenAIProvider(openai_client=openai_client))
            elif provider == 'openai-responses':
                yield OpenAIResponsesModel(asked, provider=OpenAIProvider(openai_client=openai_client))
            elif provider == 'deepseek':
                yield OpenAIChatModel(asked, provider=DeepSeekProvider(openai_client=openai_client))
            elif provider == 'openrouter':
                yield OpenRouterModel(asked, provider=OpenRouterProvider(openai_client=openai_client))
            else:
                raise LookupError(f'no model is known for {conversation.name}')
client=recorded_model
def make_agent(conversation, model):
    from pydantic_ai.capabilities import NativeTool
    tools=[]; caps=[]
    for t in conversation.tools:
        if t in NATIVE: caps.append(NativeTool(NATIVE[t]()))
        elif t=='get_something_by_name':
            def get_something_by_name(name: str) -> str: return 'Found.'
            tools.append(get_something_by_name)
        else:
            async def f(**kw): return 'res'
            tools.append(Tool.from_schema(f, t, 'x', {'type':'object','additionalProperties':True}))
    return Agent(model, tools=tools, capabilities=caps)
