"""The ways in which a run ends, and the ways in which each door sees it end."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent, UsageLimits
from pydantic_ai.capabilities import ProcessHistory
from pydantic_ai.models.fallback import FallbackModel

from support.ending_agents import (
    BUSY,
    NOTHING,
    TOOL,
    Blocks,
    Breaks,
    Cache,
    Proxy,
    SendsBack,
    approving,
    asking,
    copied,
    last_three,
    paused,
    refusing,
    reworded,
    script,
    scripted,
)
from support.scripted import Calls, Silence, Thinks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pydantic_ai.ui.ag_ui import AGUIAdapter

    from support.ending_agents import Make

TEXT = ['do', 'ne']


@dataclass(frozen=True)
class Ending:
    """A way in which a run ends.

    Args:
        make: Makes the agent.
        limits: The run's limits.
        leaves: Whether whoever reads leaves at the first piece of text.
        hangs: Whether it hangs, so that its caller cancels it.
    """

    make: Make
    limits: UsageLimits | None = None
    leaves: bool = False
    hangs: bool = False


def _cut_short() -> Any:
    return ProcessHistory(last_three)


def _copied() -> Any:
    return ProcessHistory(copied)


def _reworded() -> Any:
    return ProcessHistory(reworded)


def _one_output(value: str, call_id: str = 'out') -> Calls:
    return Calls('final_result', f'{{"response": {value}}}', call_id)


ENDINGS: dict[str, Ending] = {
    # Results
    'a text': Ending(script(TEXT)),
    'a tool, then a text': Ending(script(TOOL, TEXT)),
    'an output tool': Ending(script([_one_output('3')], output_type=int)),
    'an output tool beside a tool': Ending(script([*TOOL, _one_output('3')], output_type=int)),
    'a call that waits for a person': Ending(approving),
    # Answers that are sent back
    'a text sent back': Ending(refusing(['no'], TEXT)),
    'texts sent back until retries are used up': Ending(refusing(*[['no']] * 4)),
    'an output sent back': Ending(script([_one_output('"x"')], [_one_output('3', 'b')], output_type=int)),
    'a tool that asks again': Ending(script([Calls('fails_once')], TEXT)),
    'a tool that does not exist': Ending(script([Calls('invented')], TEXT)),
    # Empty answers
    'an empty answer first': Ending(script(NOTHING, TEXT)),
    'an empty answer after a tool round': Ending(script(TOOL, NOTHING, TEXT)),
    'empty answers in between': Ending(script(TOOL, NOTHING, NOTHING, TOOL, NOTHING, TEXT)),
    'an empty answer that is the result': Ending(script(TOOL, NOTHING, output_type=[str, type(None)])),
    'empty answers until retries are used up': Ending(script(*[NOTHING] * 4)),
    'empty answers after a tool round until retries are used up': Ending(script(TOOL, *[NOTHING] * 4)),
    'only thinking, then a text': Ending(script([Thinks('hm')], TEXT)),
    # Blocked prompts
    'a blocked prompt': Ending(asking(lambda: scripted(NOTHING, kind=Blocks))),
    'a blocked prompt after thinking': Ending(asking(lambda: scripted([Thinks('hm')], kind=Blocks))),
    # Paused turns
    'a paused turn of two segments': Ending(asking(lambda: paused(1, ['so ', 'far'], TEXT))),
    'a paused turn of three segments': Ending(asking(lambda: paused(2, ['so'], [Thinks('hm')], TEXT))),
    'a paused turn that calls a tool': Ending(asking(lambda: paused(1, ['so'], TOOL, TEXT))),
    'a paused turn that fails': Ending(asking(lambda: paused(1, ['so ', 'far'], [BUSY]))),
    'a paused turn that hangs': Ending(asking(lambda: paused(1, ['so ', 'far'], [Silence()])), hangs=True),
    'a paused turn restarted by a fallback': Ending(
        asking(lambda: FallbackModel(paused(1, ['so'], [BUSY], [BUSY]), scripted(TEXT)))
    ),
    # Fallbacks
    'a fallback': Ending(asking(lambda: FallbackModel(scripted([BUSY]), scripted(TEXT)))),
    'a fallback that is used up': Ending(asking(lambda: FallbackModel(scripted([BUSY]), scripted([BUSY])))),
    'a fallback that is used up after a tool round': Ending(
        asking(lambda: FallbackModel(scripted(TOOL, [BUSY]), scripted([BUSY])))
    ),
    # Other capabilities
    'a history that is cut short': Ending(script(TOOL, TOOL, TOOL, TEXT, others=[_cut_short])),
    'a history that is cut short, then a failure': Ending(script(TOOL, TOOL, TOOL, ['so', BUSY], others=[_cut_short])),
    'a history that is copied': Ending(script(TOOL, NOTHING, TOOL, TEXT, others=[_copied])),
    'a history that is copied, after an empty answer': Ending(script(NOTHING, TOOL, TEXT, others=[_copied])),
    'a history that is reworded': Ending(refusing(['no'], ['no'], TEXT, others=[_reworded])),
    'an answer that a capability sends back': Ending(script(['do'], TEXT, others=[SendsBack])),
    'an answer sent back, and a history cut short': Ending(
        script(['do'], TOOL, TOOL, TEXT, others=[SendsBack, _cut_short])
    ),
    'an answer at which a capability fails': Ending(script(TEXT, others=[Breaks])),
    'an answer out of a cache': Ending(script(TEXT, others=[Cache])),
    'a model whose properties raise': Ending(asking(lambda: scripted(TOOL, TEXT, kind=Proxy))),
    'a model whose properties raise, and that fails': Ending(asking(lambda: scripted(TOOL, [BUSY], kind=Proxy))),
    # Failures
    'a failure at once': Ending(script([BUSY])),
    'a failure in the first response': Ending(script(['so ', BUSY])),
    'a failure after a response': Ending(script(TOOL, [BUSY])),
    'a failure in the second response': Ending(script(TOOL, ['so ', 'far', BUSY])),
    'a failure after a text was sent back': Ending(refusing(['no'], [BUSY])),
    'a failure after an empty answer': Ending(script(TOOL, NOTHING, [BUSY])),
    'a failure of the connection': Ending(script(TOOL, [ConnectionError('gone')])),
    'a tool that raises': Ending(script([Calls('breaks')])),
    # Limits
    'a limit of requests': Ending(script(TOOL, TEXT), UsageLimits(request_limit=1)),
    'a limit of requests after an empty answer': Ending(script(TOOL, NOTHING, TEXT), UsageLimits(request_limit=2)),
    'a limit of tokens': Ending(script(['do', 'ne', 'it']), UsageLimits(output_tokens_limit=2)),
    'a limit of tokens in the second response': Ending(
        script(TOOL, ['do', 'ne', 'it', 'all']), UsageLimits(output_tokens_limit=6)
    ),
    'a limit of tool calls': Ending(
        script([*TOOL, Calls('nap', '{"seconds": 0}', 'b')]), UsageLimits(tool_calls_limit=1)
    ),
    # Stops
    'stopped before the first token': Ending(script([Silence()]), hangs=True),
    'stopped in the first response': Ending(script(['so ', Silence()]), hangs=True),
    'stopped after a response': Ending(script(TOOL, [Silence()]), hangs=True),
    'stopped in the second response': Ending(script(TOOL, ['so ', Silence()]), hangs=True),
    'stopped after an empty answer': Ending(script(TOOL, NOTHING, [Silence()]), hangs=True),
    'left in the second response': Ending(script(TOOL, ['so ', 'far']), leaves=True),
    'left after an empty answer': Ending(script(TOOL, NOTHING, ['so ', 'far']), leaves=True),
}
"""Each with what happens in it, for people."""


class Opaque:
    """Events of a run that show nothing but themselves, as those that come out of a queue."""

    def __init__(self, events: Any) -> None:
        self._next = aiter(events).__anext__

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return await self._next()


def ag_ui(made: Agent[Any, Any]) -> AGUIAdapter[Any, Any]:
    """The agent behind an adapter of a user interface."""
    from ag_ui.core import RunAgentInput, UserMessage
    from pydantic_ai.ui.ag_ui import AGUIAdapter

    asked = RunAgentInput(
        thread_id='thread',
        run_id='run',
        state={},
        messages=[UserMessage(id='m', role='user', content='hello')],
        tools=[],
        context=[],
        forwarded_props={},
    )
    return AGUIAdapter(agent=made, run_input=asked)


@dataclass(frozen=True)
class Reader:
    """Runs an agent in one of the ways there are, and reads its events if there are any to read.

    Args:
        ending: The way in which the run ends.
        agent: The agent.
        watch: Puts the watch door around events.
        handler: The run's handler.
        arguments: Arguments of the run.
    """

    ending: Ending
    agent: Agent[Any, Any]
    watch: Callable[[Any], Any] = field(default=lambda events: events)
    handler: Any = None
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])

    async def to_its_end(self, way: str) -> None:
        """Run it to its end, whatever that is."""
        task = asyncio.ensure_future(getattr(self, f'_{way}')())
        if self.ending.hangs:
            for _ in range(150):
                await asyncio.sleep(0)
            task.cancel()
        with contextlib.suppress(BaseException):
            await task
        del task
        await asyncio.sleep(0)

    async def _run(self) -> None:
        await self.agent.run('hello', event_stream_handler=self.handler, **self.arguments)

    async def _events(self) -> None:
        async with self.agent.run_stream_events('hello', **self.arguments) as events:
            await self._read(events)

    async def _other(self) -> None:
        async with self.agent.run_stream_events('hello', **self.arguments) as events:
            await self._read(Opaque(events))

    async def _adapter(self) -> None:
        native: Any = ag_ui(self.agent).run_stream_native(**self.arguments)
        async with contextlib.aclosing(native):
            await self._read(native)

    async def _nodes(self) -> None:
        async with self.agent.iter('hello', **self.arguments) as run:
            async for node in run:
                if Agent.is_model_request_node(node) or Agent.is_call_tools_node(node):
                    async with node.stream(run.ctx) as events:
                        if await self._read(events):
                            return

    async def _read(self, events: Any) -> bool:
        async for event in self.watch(events):
            if self.ending.leaves and event.event_kind == 'part_start' and event.part.part_kind == 'text':
                return True
        return False
