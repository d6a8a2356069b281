"""Scripted agents that end in uncommon ways: their models pause, block, answer nothing, or raise."""

from __future__ import annotations

import contextlib
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_ai import Agent, DeferredToolRequests, ModelRetry
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import ModelHTTPError, SkipModelRequest
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel

from support.scripted import Calls, agent, model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import Model, StreamedResponse
    from pydantic_ai.models.function import AgentInfo

    from support.scripted import Turn

Make: TypeAlias = 'Callable[[Sequence[Any]], Agent[Any, Any]]'
"""Makes an agent, with the capabilities that it is given."""

TOOL = [Calls('nap', '{"seconds": 0}')]
NOTHING = ['']
"""An answer without parts."""
BUSY = ModelHTTPError(503, 'scripted')


# Models


class Segments(FunctionModel):
    """A model that pauses its turn after each of its first answers: Pydantic AI then asks it to go on."""

    pauses = 0

    @contextlib.asynccontextmanager
    async def request_stream(self, *args: Any, **options: Any) -> AsyncGenerator[StreamedResponse]:
        self.pauses -= 1
        is_paused = self.pauses >= 0
        async with super().request_stream(*args, **options) as stream:
            if is_paused:
                stream.state = 'suspended'
            yield stream


class Blocks(FunctionModel):
    """A model whose provider blocks the prompt: the answer says so."""

    @contextlib.asynccontextmanager
    async def request_stream(self, *args: Any, **options: Any) -> AsyncGenerator[StreamedResponse]:
        async with super().request_stream(*args, **options) as stream:
            stream.finish_reason = 'content_filter'
            yield stream


class Proxy(FunctionModel):
    """A model that raises when it is asked for what only some models have."""

    @property
    def models(self) -> object:
        raise RuntimeError('the proxy is not connected')

    wrapped = models


def scripted(*turns: Turn, kind: type[FunctionModel] = FunctionModel, name: str = 'scripted') -> FunctionModel:
    """A model that answers each request with the next turn; an empty text is an answer without parts."""
    stream = model(*turns).stream_function
    assert stream is not None

    async def wordless(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Any]:
        async for delta in stream(messages, info):
            yield delta or {}

    return kind(stream_function=wordless, model_name=name)


def paused(pauses: int, *turns: Turn) -> Model:
    """A model that pauses after each of its first answers."""
    made = scripted(*turns, kind=Segments, name='paused')
    assert isinstance(made, Segments)
    made.pauses = pauses
    return made


# Agents


def asking(make_model: Callable[[], Model], *others: Callable[[], Any], **options: Any) -> Make:
    """An agent on a model, with the tools of the scripted ones, and other capabilities beside the tap's."""

    def make(capabilities: Sequence[Any]) -> Agent[Any, Any]:
        made = agent(capabilities=[*(other() for other in others), *capabilities], **options)
        made.model = make_model()
        return made

    return make


def script(*turns: Turn, others: Sequence[Callable[[], Any]] = (), **options: Any) -> Make:
    """An agent whose model answers with these turns."""
    return asking(lambda: scripted(*turns), *others, **options)


def refusing(*turns: Turn, others: Sequence[Callable[[], Any]] = (), **options: Any) -> Make:
    """An agent whose validator sends every text 'no' back."""

    def make(capabilities: Sequence[Any]) -> Agent[Any, Any]:
        made = script(*turns, others=others, **options)(capabilities)

        @made.output_validator
        def refuse(output: Any) -> Any:
            if output == 'no':
                raise ModelRetry('again')
            return output

        return made

    return make


def approving(capabilities: Sequence[Any]) -> Agent[Any, Any]:
    """An agent whose tool somebody has to approve."""
    made = script([Calls('risky')], output_type=[str, DeferredToolRequests])(capabilities)

    @made.tool_plain(requires_approval=True)
    async def risky() -> str:
        return 'done it'

    return made


# Other capabilities


class SendsBack(AbstractCapability[Any]):
    """Sends the first answer back, when it is complete."""

    _left = 1

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise ModelRetry('again')
        return response


class Breaks(AbstractCapability[Any]):
    """Fails at the first answer, when it is complete."""

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        raise RuntimeError('the capability broke')


class Cache(AbstractCapability[Any]):
    """Answers the first request itself."""

    _left = 1

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        self._left -= 1
        if self._left >= 0:
            raise SkipModelRequest(ModelResponse(parts=[TextPart('from the cache')]))
        return request_context


async def last_three(messages: list[Any]) -> list[Any]:
    """A history processor that forgets."""
    return messages[-3:]


async def copied(messages: list[Any]) -> list[Any]:
    """A history processor that keeps no message as it is."""
    return deepcopy(messages)


async def reworded(messages: list[Any]) -> list[Any]:
    """A history processor that puts every answer without a call into another's words."""
    found = deepcopy(messages)
    for message in found:
        message.parts = [TextPart('short') if part.part_kind == 'text' else part for part in message.parts]
    return found
