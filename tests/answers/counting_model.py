"""A model whose provider counts the tokens of its prompts, and caches them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic_ai.models.function import FunctionModel
from pydantic_ai.usage import RequestUsage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from random import Random

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import StreamedResponse

SMALL, LARGE = 'gpt-5-mini', 'gpt-5.2'
"""Models whose window and whose prices everybody knows."""

WINDOW = 400_000
"""What each of them can hold."""

FULLEST = 0.7
"""The share of it that a first prompt has at most."""

FOUND = (0.0, 0.25, *(1.0,) * 6)
"""Shares of a cached prompt that are found again, each as often as the others."""


class CountingModel(FunctionModel):
    """A function that streams, with the tokens of each prompt.

    Args:
        stream: The function.
        name: The name of the model, which is OpenAI's.
        count: The tokens of a prompt.
    """

    def __init__(self, stream: Any, name: str, count: Callable[[list[ModelMessage]], RequestUsage]) -> None:
        super().__init__(stream_function=stream, model_name=name)
        self._count = count

    @property
    def system(self) -> str:
        """Its provider."""
        return 'openai'

    @asynccontextmanager
    async def request_stream(
        self, messages: list[ModelMessage], *arguments: Any, **named: Any
    ) -> AsyncGenerator[StreamedResponse]:
        """Answer, and count the prompt."""
        async with super().request_stream(messages, *arguments, **named) as response:
            # What comes is added to it.
            response._usage = self._count(messages)  # pyright: ignore[reportPrivateUsage]
            yield response


def prompts_of(draw: Random, steps: int) -> Iterator[RequestUsage]:
    """Draw the tokens of the prompts of a run, each of which is cached whole for the next one.

    Args:
        draw: The source of chance.
        steps: How many.
    """
    size, cached = round(WINDOW * min(FULLEST, draw.lognormvariate(-2.5, 1.0))), 0
    for _ in range(steps):
        read = round(cached * draw.choice(FOUND))
        yield RequestUsage(input_tokens=size, cache_read_tokens=read, cache_write_tokens=size - read)
        cached, size = size, size + draw.randint(200, 10_000)
