"""Other people's slow code before and after a request: not the model's time, where that can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_ai.capabilities import AbstractCapability, PrepareTools, ProcessHistory

from streamtap.testing import Call
from support.event_readers import read
from truth.capabilities import Recovers
from truth.case import Expected, Group
from truth.replies import SHORT, calling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamtap.testing import ChatRequest, Reply
    from support.doors import Door
    from truth.world import World

PREPARATION = Group("Other people's slow code")

SLOW = 0.3
TOLD = Expected(phases=('other',))
FROM_MESSAGE: dict[str, Any] = {'counts_before': True, 'phases': ()}
"""Where only the timestamp of the request's message tells when it began, what came after that counts."""

EVENTS: Mapping[Door, Mapping[str, Any]] = {'watch': FROM_MESSAGE}
PRIMED: Mapping[Door, Mapping[str, Any]] = {'watch': FROM_MESSAGE, 'handler': FROM_MESSAGE}


def slow_instructions(w: World) -> Callable[[], Any]:
    """Instructions that take their time."""

    async def instructions() -> str:
        await w.dawdle(SLOW)
        return 'be kind'

    return instructions


@dataclass
class Before(AbstractCapability[Any]):
    """Takes its time in `before_model_request`."""

    w: World

    async def before_model_request(self, ctx: Any, request_context: Any) -> Any:
        await self.w.dawdle(SLOW)
        return request_context


@dataclass
class Prepares(AbstractCapability[Any]):
    """Takes its time in `prepare_model_request`."""

    w: World

    async def prepare_model_request(self, ctx: Any, request_context: Any) -> Any:
        await self.w.dawdle(SLOW)
        return request_context


@dataclass
class Wraps(AbstractCapability[Any]):
    """Takes its time in `wrap_model_request`, before the request or after it."""

    w: World
    when: str

    async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
        if self.when == 'before':
            await self.w.dawdle(SLOW)
        response = await handler(request_context)
        if self.when == 'after':
            await self.w.dawdle(SLOW)
        return response


@dataclass
class After(AbstractCapability[Any]):
    """Takes its time in `after_model_request`."""

    w: World

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        await self.w.dawdle(SLOW)
        return response


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def instructions(w: World) -> None:
    """Slow instructions."""
    await w.run(w.agent(instructions=slow_instructions(w)))


@PREPARATION.case([SHORT], TOLD, but=PRIMED)
async def instructions_of_a_primed_stream(w: World) -> None:
    """Slow instructions, where a capability has streams opened early."""
    await w.run(w.agent(instructions=slow_instructions(w), capabilities=[Recovers()]))


@PREPARATION.case([SHORT], TOLD, doors=('watch',))
async def instructions_of_nodes(w: World) -> None:
    """Slow instructions, `iter` with the stream of each node."""
    await read(w.agent(instructions=slow_instructions(w)), 'nodes', w.seen.tap.watch)


@PREPARATION.case([SHORT], TOLD, doors=('capability',))
async def instructions_unstreamed(w: World) -> None:
    """Slow instructions, not streamed."""
    await w.run(w.agent(instructions=slow_instructions(w), stream=False))


def nap_first(request: ChatRequest) -> Reply:
    """A tool, then a text."""
    return SHORT if request.number else calling(Call('nap', {}, id='n'))


@PREPARATION.case(
    nap_first, Expected(requests=('success', 'success'), tools=('nap success',), phases=('other',)), but=EVENTS
)
async def instructions_of_each_step(w: World) -> None:
    """Slow instructions, before a tool and after."""
    await w.run(w.agent(instructions=slow_instructions(w), tools=[w.tool('nap')]))


@PREPARATION.case([SHORT], TOLD, but={'handler': {'phases': (), 'run_start': False}})
async def system_prompt(w: World) -> None:
    """A slow system prompt, which is over before there is a request."""
    agent = w.agent()
    agent.system_prompt(slow_instructions(w))
    await w.run(agent)


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def history(w: World) -> None:
    """A slow history processor."""

    async def process(messages: list[Any]) -> list[Any]:
        await w.dawdle(SLOW)
        return messages

    await w.run(w.agent(capabilities=[ProcessHistory(process)]))


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def tool_preparation(w: World) -> None:
    """A slow preparation of tools."""

    async def prepare(ctx: Any, tools: list[Any]) -> list[Any]:
        await w.dawdle(SLOW)
        return tools

    await w.run(w.agent(tools=[w.tool('nap')], capabilities=[PrepareTools(prepare)]))


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def before(w: World) -> None:
    """A capability with a slow `before_model_request`."""
    await w.run(w.agent(capabilities=[Before(w)]))


@PREPARATION.case([SHORT], TOLD, but=PRIMED)
async def before_a_primed_stream(w: World) -> None:
    """A capability with a slow `before_model_request`, where another has streams opened early."""
    await w.run(w.agent(capabilities=[Before(w), Recovers()]))


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def prepares(w: World) -> None:
    """A capability with a slow `prepare_model_request`."""
    await w.run(w.agent(capabilities=[Prepares(w)]))


@PREPARATION.case([SHORT], TOLD, but=EVENTS)
async def wraps(w: World) -> None:
    """A capability with a `wrap_model_request` that is slow before the request."""
    await w.run(w.agent(capabilities=[Wraps(w, 'before')]))


@PREPARATION.case([SHORT], TOLD)
async def wraps_and_lingers(w: World) -> None:
    """A capability with a `wrap_model_request` that is slow after the request."""
    await w.run(w.agent(capabilities=[Wraps(w, 'after')]))


@PREPARATION.case([SHORT], TOLD)
async def after(w: World) -> None:
    """A capability with a slow `after_model_request`."""
    await w.run(w.agent(capabilities=[After(w)]))


@PREPARATION.case([SHORT], TOLD, doors=('capability',))
async def after_unstreamed(w: World) -> None:
    """A capability with slow hooks before and after a request that is not streamed."""
    await w.run(w.agent(capabilities=[Before(w), After(w)], stream=False))
