"""Agents on a scripted model: each turn says what it answers, streamed or not."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_ai import Agent, ModelRetry
from pydantic_ai.messages import ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models.function import DeltaThinkingPart, DeltaToolCall, FunctionModel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo
    from pydantic_ai.run import AgentRunResult
    from pydantic_ai.usage import RunUsage


@dataclass(frozen=True)
class Calls:
    """A tool call of a scripted turn."""

    tool: str
    args: str = '{}'
    id: str = 'call'


@dataclass(frozen=True)
class Thinks:
    """Thinking in a scripted turn."""

    content: str


@dataclass(frozen=True)
class Silence:
    """The stream hangs."""


Turn: TypeAlias = 'Sequence[str | Calls | Thinks | Silence | Exception]'
Delta: TypeAlias = 'str | dict[int, DeltaToolCall] | dict[int, DeltaThinkingPart]'


def model(*turns: Turn) -> FunctionModel:
    """A model that answers each request with the next turn; an exception in a turn is raised there."""
    left = list(turns)

    async def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        turn = left.pop(0)
        await asyncio.sleep(0)
        for item in turn:
            if isinstance(item, Exception):
                raise item
        return ModelResponse(parts=[_part(item) for item in turn if isinstance(item, (str, Calls, Thinks))])

    async def stream(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[Delta]:
        for place, item in enumerate(left.pop(0)):
            await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Silence):
                await asyncio.sleep(30)
            elif isinstance(item, str):
                yield item
            elif isinstance(item, Thinks):
                yield {place: DeltaThinkingPart(content=item.content)}
            else:
                yield {place: DeltaToolCall(name=item.tool, json_args=item.args, tool_call_id=item.id)}

    return FunctionModel(answer, stream_function=stream, model_name='scripted')


def _part(item: str | Calls | Thinks) -> TextPart | ThinkingPart | ToolCallPart:
    if isinstance(item, Calls):
        return ToolCallPart(item.tool, item.args, tool_call_id=item.id)
    return TextPart(item) if isinstance(item, str) else ThinkingPart(item.content)


def agent(
    *turns: Turn, name: str | None = 'scripted', capabilities: Sequence[Any] = (), **options: Any
) -> Agent[Any, Any]:
    """An agent on such a model, with a few tools."""
    made: Agent[Any, Any] = Agent(model(*turns), name=name, capabilities=list(capabilities), retries=3, **options)
    failures = iter([True])

    @made.tool_plain
    async def nap(seconds: float = 0.02) -> str:
        await asyncio.sleep(seconds)
        return 'rested'

    @made.tool_plain(sequential=True)
    async def alone(seconds: float = 0.02) -> str:
        await asyncio.sleep(seconds)
        return 'rested alone'

    @made.tool_plain
    async def fails_once() -> str:
        if next(failures, False):
            raise ModelRetry('not yet')
        return 'now'

    @made.tool_plain
    async def breaks() -> str:
        raise RuntimeError('the tool broke')

    return made


def nap(seconds: float, call_id: str, tool: str = 'nap') -> Calls:
    """A call of a tool that sleeps."""
    return Calls(tool, json.dumps({'seconds': seconds}), call_id)


def usage_of(result: AgentRunResult[Any]) -> RunUsage:
    """What a run used, which pydantic-ai 1 gives by a method."""
    usage: Any = result.usage
    return usage if hasattr(usage, 'input_tokens') else usage()
