"""The run behind the events of `run_stream_events()`: where it is, and what was answered to its requests."""

from __future__ import annotations

import asyncio
import gc
from datetime import datetime
from itertools import pairwise
from types import AsyncGeneratorType, CoroutineType, FrameType
from typing import TYPE_CHECKING, cast

import pydantic_ai.agent.abstract

from streamtap._upstream.event_sources import made_at, new_messages
from streamtap._upstream.prompt_prefix import prefix_of_request
from streamtap._upstream.reading import read
from streamtap._upstream.run_context import asks_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import ModelRequestContext

    from streamtap._upstream.prompt_prefix import PromptPrefix

_EVENTS: type | None = getattr(pydantic_ai.agent.abstract, 'AgentRunEvents', None)

_BETWEEN = (AsyncGeneratorType, CoroutineType, FrameType)
_PULL = 'async_generator_asend'
"""What a coroutine waits for that asks a generator for its next event; the type has no name in the library."""

_LAYERS = 6
"""How many generators, and what they wait in, may lie between what the user reads and the events of the run."""


class RunOfEvents:
    """Stands for the context of the run behind the events of `run_stream_events()`, which do not show it.

    Args:
        ctx: The context of the run's graph.
    """

    def __init__(self, ctx: object) -> None:
        self._state: object = getattr(ctx, 'state', None)
        self._deps: object = getattr(ctx, 'deps', None)

    def __getattr__(self, name: str) -> object:
        for holder in (self._deps, self._state):
            if hasattr(holder, name):
                return getattr(holder, name)
        raise AttributeError(name)

    def remaining_time(self) -> float | None:
        """Seconds until the run's deadline."""
        deadline = getattr(self._deps, 'deadline', None)
        return (deadline - datetime.now(deadline.tzinfo)).total_seconds() if isinstance(deadline, datetime) else None


class RunBehind:
    """A run whose events are being read; until the first is asked for, it has not begun.

    Args:
        events: What `run_stream_events()` gives.
    """

    def __init__(self, events: object) -> None:
        self._events = events

    @property
    def context(self) -> RunOfEvents | None:
        """The run's context, once it has begun."""
        ctx = read(self._agent_run(), 'ctx')
        return None if ctx is None else RunOfEvents(ctx)

    @property
    def task(self) -> asyncio.Task[object] | None:
        """The run's own task, once it has begun."""
        task = read(self._events, '_task')
        return cast('asyncio.Task[object]', task) if isinstance(task, asyncio.Task) else None

    @property
    def was_left(self) -> bool:
        """Whether the `async with` block of `run_stream_events()` was left, so that no more is read."""
        return read(self._events, '_closed') is True

    @property
    def result(self) -> object | None:
        """The run's result, if it ended with one."""
        return read(self._events, 'result')

    @property
    def error(self) -> BaseException | None:
        """What ended the run, if it ended without a result, and whoever reads it was not told otherwise."""
        task = self.task
        if task is None or not task.done() or not self.was_left:
            return None
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    def messages(self) -> Sequence[ModelMessage]:
        """The run's messages so far."""
        return () if self.context is None else new_messages(self._events)

    def where(self) -> tuple[RequestOfRun | None, int]:
        """The request that the run is making now, until it is answered, and how many it has begun to make."""
        while True:
            # Another thread may read this while the run goes on.
            making, step = self._making(), read(self.context, 'run_step')
            after = self._making()
            if (making is None) is (after is None) and (making is None or after is None or making.node is after.node):
                return making, step if isinstance(step, int) else 0

    def _making(self) -> RequestOfRun | None:
        task = read(read(self._agent_run(), '_graph_run'), 'next_task')
        node = read(cast('list[object]', task)[0], 'inputs') if isinstance(task, list) and task else None
        request = request_of(node)
        return request if request is not None and request.is_being_made(self.messages()) else None

    def _agent_run(self) -> object | None:
        return read(read(self._events, '_binding'), 'agent_run')


class RequestOfRun:
    """A request of such a run, as its graph knows it.

    Args:
        node: The node of the graph that makes it.
    """

    def __init__(self, node: object) -> None:
        self.node = node

    @property
    def was_sent(self) -> bool:
        """Whether an attempt at a model was made; without one, another capability answered, or forbade it."""
        return read(self.node, '_serving_model', self.node) is not None

    @property
    def made_at(self) -> float | None:
        """When it was made, in seconds since the epoch."""
        return made_at(self._sent())

    @property
    def asks_again(self) -> bool:
        """Whether it sends an output back to the model, to be made again."""
        return asks_again(self._sent())

    @property
    def prefix(self) -> PromptPrefix | None:
        """What stands at the beginning of its prompt; `None` in releases that do not keep the prompt."""
        context = cast('ModelRequestContext | None', read(self.node, 'last_request_context'))
        return None if context is None else prefix_of_request(context)

    @property
    def next(self) -> RequestOfRun | None:
        """The request that followed it, if the run has come to one."""
        result = read(self.node, '_result')
        return request_of(result) or request_of(read(result, '_next_node'))

    @property
    def committed(self) -> ModelResponse | None:
        """Its answer as the run goes on with it; other capabilities may have changed it."""
        return cast('ModelResponse | None', read(read(self.node, '_result'), 'model_response'))

    def billed(self, messages: Sequence[ModelMessage]) -> ModelResponse | None:
        """Its answer as the provider gave it, as far as it came.

        Args:
            messages: The run's messages.
        """
        answers = read(read(self.node, 'last_request_context'), '_usage_responses')
        if isinstance(answers, tuple) and answers:
            return cast('ModelResponse', answers[-1])
        # Other releases have it in the messages only, right after the request.
        sent = read(self.node, 'request')
        for request, answer in pairwise(messages):
            if request is sent and answer.kind == 'response':
                return answer
        return None

    def is_being_made(self, messages: Sequence[ModelMessage]) -> bool:
        """Whether it has begun and has no answer yet.

        Args:
            messages: The run's messages.
        """
        if read(self.node, '_result') is not None:
            return False
        if any(read(self.node, name) is not None for name in ('last_request_context', '_resume_suspended')):
            return True
        sent = read(self.node, 'request')
        return any(message is sent for message in messages)

    def _sent(self) -> Sequence[ModelMessage]:
        return (cast('ModelMessage', read(self.node, 'request')),)


def request_of(node: object) -> RequestOfRun | None:
    """The request that a node makes; `None` for a node of another kind."""
    return None if read(node, '_did_stream') is None or read(node, 'request') is None else RequestOfRun(node)


def run_behind(events: object) -> RunBehind | None:
    """The run whose events these are, or are made of; `None` if that cannot be found out, or not yet.

    A generator holds the events that it reads. Of two runs behind one generator neither is found.
    """
    if read(events, '_binding') is not None:
        return RunBehind(events)
    if _EVENTS is None or not is_generator(events):
        return None
    found: dict[int, object] = {}
    layer: list[object] = [events]
    for _ in range(_LAYERS):
        held = gc.get_referents(*layer)
        found.update((id(each), each) for each in held if issubclass(type(each), _EVENTS))
        layer = [each for each in held if issubclass(type(each), _BETWEEN) or type(each).__name__ == _PULL]
        if found or not layer:
            break
    return RunBehind(*found.values()) if len(found) == 1 else None


def is_generator(events: object) -> bool:
    """Whether the events come out of a generator, such as that of an adapter, behind which a run may be found."""
    return issubclass(type(events), AsyncGeneratorType)
