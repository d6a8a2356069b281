"""Finds out about the run behind a stream that the user reads."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic_ai import Agent
from pydantic_ai.models import StreamedResponse

from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import AgentStreamEvent, ModelMessage

_INSIDE_RESPONSES = frozenset({'part_delta', 'part_end', 'final_result'})
_OF_RESPONSES = _INSIDE_RESPONSES | {'part_start'}
_OF_TOOLS = frozenset(
    {
        'function_tool_call',
        'function_tool_result',
        'output_tool_call',
        'output_tool_result',
        'deferred_tool_requests',
        'deferred_tool_results',
    }
)


class UnknownRun(NamedTuple):
    """Stands for the context of a run about which nothing is known; its id is made up."""

    run_id: str

    @property
    def tracer(self) -> object | None:
        """Not `None` if pydantic-ai is instrumented for the whole process, so that this run has spans, too."""
        return getattr(Agent, '_instrument_default', None) or None


def context_of_node(events: object) -> object | None:
    """The run context behind what `node.stream()` yields: a stream of one response, or the events of one tool round.

    The latter are a generator of pydantic-ai's own, which has the context as a local variable until it is over.
    """
    if read(events, 'response') is not None:
        return read(events, '_run_ctx')
    frame = read(events, 'ag_frame')
    if not isinstance(frame, FrameType) or frame.f_code.co_name != 'wrap_run_event_stream':
        return None
    module = str(frame.f_globals.get('__name__', ''))
    return frame.f_locals.get('ctx') if module.startswith('pydantic_ai.') else None


def stream_of_response(events: object) -> object | None:
    """The stream of one response behind the events of one that a capability is given, which are generators around it."""
    for _ in range(4):
        if events is None or read(events, 'response') is not None:
            return events
        frame = read(events, 'ag_frame')
        if not isinstance(frame, FrameType) or not str(frame.f_globals.get('__name__', '')).startswith('pydantic_ai.'):
            return None
        inside = frame.f_locals
        events = inside.get('self', inside.get('stream'))
    return None


def bare_response(events: object) -> StreamedResponse | None:
    """The stream of a response that no agent asked for, as `direct.model_request_stream()` gives it."""
    return events if isinstance(events, StreamedResponse) else None


def is_spent(events: object) -> bool:
    """Whether the events are a generator that is over already."""
    return read(events, 'ag_frame', events) is None


def is_of_response(event: AgentStreamEvent) -> bool:
    """Whether the event is part of a model's response."""
    return getattr(event, 'event_kind', None) in _OF_RESPONSES


def is_part_start(event: AgentStreamEvent) -> bool:
    """Whether a part of a response begins with the event."""
    return getattr(event, 'event_kind', None) == 'part_start'


def is_inside_response(event: AgentStreamEvent) -> bool:
    """Whether the event is part of a response that has begun."""
    return getattr(event, 'event_kind', None) in _INSIDE_RESPONSES


def is_of_tools(event: AgentStreamEvent) -> bool:
    """Whether the event is part of a round of tool calls."""
    return getattr(event, 'event_kind', None) in _OF_TOOLS


def is_last_part_end(event: AgentStreamEvent) -> bool:
    """Whether a response ends with this event."""
    return event.event_kind == 'part_end' and event.next_part_kind is None


def is_of_run(event: AgentStreamEvent) -> bool:
    """Whether the event is one of a run that has begun."""
    return is_of_response(event) or is_of_tools(event) or result_of(event) is not None


def result_of(event: AgentStreamEvent) -> object | None:
    """The run's result, if this is the event that brings it."""
    return getattr(event, 'result', None) if getattr(event, 'event_kind', None) == 'agent_run_result' else None


def new_messages(holder: object) -> Sequence[ModelMessage]:
    """The messages of a run that has begun, from its result or from its events; otherwise empty."""
    messages = read(holder, 'new_messages')
    return cast('Sequence[ModelMessage]', messages()) if callable(messages) else ()


def made_at(messages: Sequence[ModelMessage]) -> float | None:
    """When the request at the end of the history was made, in seconds since the epoch."""
    if not messages or messages[-1].kind != 'request':
        return None
    timestamp = getattr(messages[-1], 'timestamp', None)
    return None if timestamp is None else timestamp.timestamp()
