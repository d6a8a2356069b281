"""Runs of pydantic-ai in which everything is hostile: the context, the streams, what they raise, and the labels."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st
from pydantic_ai import RunContext
from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.usage import RunUsage

from hostile.events import ANY_EVENTS, RESPONSES
from hostile.texts import HUGE, JUNK, NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Unprintable:
    """A value that fails to become text."""

    def __str__(self) -> str:
        raise RuntimeError('no text')


class Endless:
    """A value that becomes very much text."""

    def __str__(self) -> str:
        return HUGE


class Proxy:
    """A stream that fails when it is asked for anything that it does not have, as proxies do outside their context."""

    def __init__(self, events: list[Any], ends_with: BaseException | None) -> None:
        self._events = iter(events)
        self._ends_with = ends_with

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        for event in self._events:
            return event
        if self._ends_with is not None:
            raise self._ends_with
        raise StopAsyncIteration

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f'no {name} here')


class Stream(Proxy):
    """A stream as pydantic-ai's, with the response as far as it came."""

    def __init__(self, events: list[Any], ends_with: BaseException | None, response: Any) -> None:
        super().__init__(events, ends_with)
        self.response = response

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


@dataclass
class Call:
    """One call of a handler, or one stream that is watched."""

    stream: Proxy
    events: list[Any]
    ends_with: BaseException | None
    is_response: bool
    messages: list[Any]


def _call(
    events: list[Any], end: type[BaseException] | None, response: Any, *, proxied: bool, is_response: bool
) -> Call:
    error = None if end is None else end('the end')
    messages: list[Any] = [ModelRequest([UserPromptPart('hello')])]
    if is_response and not proxied:
        return Call(Stream(events, error, response), events, error, True, messages)  # noqa: FBT003
    return Call(Proxy(events, error), events, error, is_response, messages if is_response else [*messages, response])


_ENDS = st.sampled_from((None, None, ValueError, asyncio.CancelledError, KeyError))

CALLS = st.builds(
    _call, st.lists(ANY_EVENTS, max_size=12), _ENDS, RESPONSES, proxied=st.booleans(), is_response=st.booleans()
)

METADATA = st.one_of(
    JUNK,
    st.dictionaries(st.sampled_from(('tenant', 'tier')), st.one_of(JUNK, st.builds(Unprintable), st.builds(Endless))),
)


@dataclass
class HostileRun:
    """A run: what its context says, and the calls of its handler."""

    run_id: Any
    agent: Any
    model: Any
    metadata: Any
    calls: list[Call]

    def context(self, call: Call, step: int) -> RunContext[Any]:
        """The context with which the handler is called."""
        return RunContext(
            deps=None,
            agent=cast('Any', SimpleNamespace(name=self.agent)),
            model=self.model,
            usage=RunUsage(),
            messages=call.messages,
            run_step=step,
            run_id=self.run_id,
            conversation_id=self.run_id,
            metadata=self.metadata,
        )


_MODELS = st.builds(SimpleNamespace, system=NAMES | JUNK, model_name=NAMES | JUNK)

RUNS = st.builds(
    HostileRun, NAMES | JUNK, NAMES | JUNK, _MODELS | JUNK, METADATA, st.lists(CALLS, min_size=1, max_size=4)
)
