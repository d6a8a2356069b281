"""What a durable engine (DBOS, Prefect, Temporal) runs again on recovery, and what runs inside one of its units.

An engine runs an agent's loop in a container (a workflow or flow), again from the start on recovery, and what must not
be done twice in units (steps, tasks, activities), whose recorded results it gives back then.
"""

from __future__ import annotations

import inspect
import sys
from datetime import datetime

_HAS_RESULT = ' - a final result was already processed.'


def is_recorded(response: object, asked: float) -> bool:
    """Whether an engine answered a request from its records: the response was made before it was asked for.

    A failure has no such time: it is taken to be new.

    Args:
        response: The response, if one came.
        asked: When the request was made, in seconds since the epoch.
    """
    made = getattr(response, 'timestamp', None)
    return isinstance(made, datetime) and made.timestamp() < asked


def in_temporal_workflow() -> bool:
    """Whether this is code of a Temporal workflow, which may be thrown away and run again at any moment."""
    workflow = sys.modules.get('temporalio.workflow')
    return workflow is not None and workflow.in_workflow()


def in_unit(events: object) -> bool:
    """Whether a handler that is given these events is called inside a unit, not in the container's code.

    The events are a generator of the engine's integration then: those of one response as they come, or a single one.
    """
    frame = getattr(events, 'ag_frame', None)
    if frame is None or frame.f_code.co_name == 'wrap_run_event_stream':
        return False
    return str(frame.f_globals.get('__name__', '')).startswith('pydantic_ai.durable_exec.')


def was_skipped(event: object) -> bool:
    """Whether a tool's result says that it did not run, as the run had its final result: it is called a success."""
    content = getattr(getattr(event, 'part', None), 'content', None)
    return isinstance(content, str) and content.endswith(_HAS_RESULT)


def stream_in_unit(events: object) -> object | None:
    """The stream of the response whose events a unit hands to its handler; it shows itself until it is over."""
    for _ in range(4):
        if not inspect.isasyncgen(events):
            break
        events = None if events.ag_frame is None else events.ag_frame.f_locals.get('stream')
    return events


def response_of_unit(stream: object) -> object | None:
    """The response that such a stream put together so far."""
    get = getattr(stream, 'get', None)
    return get() if callable(get) else None
