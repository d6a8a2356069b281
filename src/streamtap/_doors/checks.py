"""Wrong uses of a door are rejected where they happen, with what to pass instead."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, cast

from streamtap._upstream.run_context import RunContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from pydantic_ai.messages import AgentStreamEvent


def checked_events(ctx: object, events: object) -> AsyncIterable[AgentStreamEvent]:
    """The events of a call of the handler door, if pydantic-ai made it."""
    if events is None:
        raise TypeError('a tap is not a capability: pass capabilities=[tap.capability()] instead of capabilities=[tap]')
    if not isinstance(ctx, RunContext) or not hasattr(events, '__aiter__'):
        raise TypeError(
            'a tap is called by pydantic-ai with (RunContext, events): pass it as '
            f'agent.run(..., event_stream_handler=tap); it was called with ({type(ctx).__name__}, {type(events).__name__})'  # pyright: ignore[reportUnknownArgumentType]
        )
    return cast('AsyncIterable[AgentStreamEvent]', events)


def check_handler(handler: object) -> None:
    """Reject what pydantic-ai could not await."""
    if not callable(handler) or inspect.isasyncgenfunction(handler):
        raise TypeError(f'beside() takes an async function of (ctx, events) without yield, not {handler!r}')


_EVENTS_OF = {
    'AgentRun': 'the stream of each node: `async with node.stream(run.ctx) as events`',
    'StreamedRunResult': 'the events of `agent.run_stream_events()`, or give `agent.run_stream()` the tap as a capability',
    'AbstractAgent': 'the events of `agent.run_stream_events()`',
    'BaseNode': 'its stream: `async with node.stream(run.ctx) as events`',
}
"""What to watch instead of an object of pydantic-ai that is no stream of events, by the name of its class."""


def check_watchable(events: object, run_id: object) -> None:
    """Reject what is not a stream, such as a run, an agent, or a context manager that was not entered; and what is no id."""
    if run_id is not None and not isinstance(run_id, str):
        raise TypeError(f'run_id is the text that result.run_id gives, not {type(run_id).__name__}')
    names = (cls.__name__ for cls in type(events).__mro__ if str(cls.__module__).startswith('pydantic_'))
    instead = next((_EVENTS_OF[name] for name in names if name in _EVENTS_OF), None)
    if instead is None and hasattr(events, '__aiter__'):
        return
    if instead is None and hasattr(events, '__aenter__'):
        instead = 'the `events` of `async with ... as events`'
    elif instead is None and inspect.isawaitable(events):
        instead = 'what it returns when it is awaited, if that is a stream of events'
    hint = f': pass {instead}' if instead else ''
    raise TypeError(f'watch() takes an async iterable of events, not {type(events).__name__}{hint}')
