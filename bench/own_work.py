"""What the handler door itself does for a run, a response and a tool call, told apart: nothing of pydantic-ai runs."""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import count
from typing import TYPE_CHECKING, Any

from pydantic_ai import RunContext
from pydantic_ai.messages import (
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RequestUsage, RunUsage

from bench.arms import BASE
from bench.pairs import compared, turned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage

    from bench.arms import Arm, Handler
    from bench.pairs import Added

_RUN_IDS = (f'own-work-{number}' for number in count())

RESPONSES, TOOLS = 5, 8


class Events:
    """A round of tools, as far as a handler sees it."""

    def __init__(self, events: Sequence[AgentStreamEvent]) -> None:
        self._left = iter(events)

    def __aiter__(self) -> AsyncIterator[AgentStreamEvent]:
        return self

    async def __anext__(self) -> AgentStreamEvent:
        for event in self._left:
            return event
        self.over()
        raise StopAsyncIteration

    def over(self) -> None:
        """Nothing is left."""


class Response(Events):
    """The stream of a response: empty at first, and as the provider reports it at its end."""

    def __init__(self, events: Sequence[AgentStreamEvent], response: ModelResponse) -> None:
        super().__init__(events)
        self.response = ModelResponse(parts=[])
        self._complete = response

    def over(self) -> None:
        """The response is whole."""
        self.response = self._complete


async def made_up_run(handler: Handler, responses: int, tools: int) -> None:
    """The calls that pydantic-ai makes of a handler in a run.

    Args:
        handler: The handler.
        responses: Responses of two chunks, each followed by a round of tools.
        tools: Calls in each round.
    """
    messages: list[ModelMessage] = [ModelRequest(parts=[UserPromptPart('hello')])]
    ctx: RunContext[Any] = RunContext(
        deps=None, model=TestModel(), usage=RunUsage(), run_id=next(_RUN_IDS), messages=messages, run_step=0
    )
    for _ in range(responses):
        ctx.run_step += 1
        response = ModelResponse(
            parts=[TextPart('word word')],
            usage=RequestUsage(input_tokens=10, output_tokens=5),
            model_name='model',
            provider_name='provider',
        )
        chunks: list[AgentStreamEvent] = [
            PartStartEvent(index=0, part=TextPart('word')),
            PartDeltaEvent(index=0, delta=TextPartDelta('word')),
        ]
        await handler(ctx, Response(chunks, response))
        messages.append(response)
        calls = [ToolCallPart('look_up', {}, f'call-{number}') for number in range(tools)]
        events: list[AgentStreamEvent] = [FunctionToolCallEvent(part=call, args_valid=True) for call in calls]
        events += [FunctionToolResultEvent(part=ToolReturnPart('look_up', 'x', call.tool_call_id)) for call in calls]
        await handler(ctx, Events(events))
        messages.append(ModelRequest(parts=[UserPromptPart('go on')]))


def own_work(arms: Sequence[Arm], runs: int, rounds: int) -> list[Added]:
    """CPU microseconds per run, per response (with the round of tools after it) and per tool call, on warm caches.

    Three sorts of runs are paired in each round; what they differ in is what each of the three costs.
    """

    def measured(handler: Handler, responses: int, tools: int) -> float:
        async def go() -> float:
            gc.collect()
            started = time.process_time()
            for _ in range(runs):
                await made_up_run(handler, responses, tools)
            return (time.process_time() - started) / runs * 1e6

        return asyncio.run(go())

    handlers = {arm.name: arm.handler for arm in arms if arm.handler is not None and not arm.capabilities}
    seen: dict[str, dict[str, list[float]]] = {'run': {}, 'response': {}, 'tool call': {}}
    for turn in range(rounds + 1):
        for name in turned(list(handlers), turn):
            short, long, busy = (
                measured(handlers[name], *shape) for shape in ((1, 0), (RESPONSES, 0), (RESPONSES, TOOLS))
            )
            if turn:
                response = (long - short) / (RESPONSES - 1)
                seen['response'].setdefault(name, []).append(response)
                seen['run'].setdefault(name, []).append(short - response)
                seen['tool call'].setdefault(name, []).append((busy - long) / (RESPONSES * TOOLS))
    return [
        added
        for what, values in seen.items()
        for added in compared(f'handler alone, {what}', f'µs of CPU per {what}', values)
        if added.arm != BASE.name
    ]
