"""Real OpenAI chat models on the paced provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openai import AsyncOpenAI
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

if TYPE_CHECKING:
    from streamtap.testing import PacedProvider


def paced_client(provider: PacedProvider) -> AsyncOpenAI:
    """A client of the paced provider; the SDK's own retries are off, so that a failure is seen as one."""
    return AsyncOpenAI(base_url=provider.base_url, api_key='not-needed', max_retries=0)


def paced_model(client: AsyncOpenAI, name: str = 'gpt-4.1-mini') -> OpenAIChatModel:
    """A model that asks through that client."""
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
