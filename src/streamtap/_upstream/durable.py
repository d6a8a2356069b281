"""Recognizes what a durable engine (DBOS, Prefect, Temporal) replays on recovery, and what runs inside its units.

An engine runs an agent's loop in a container (a workflow or flow), and runs that again from the start on recovery. What
must not be done twice runs in units (steps, tasks, activities); on recovery the engine returns their recorded results.
"""

from __future__ import annotations

import inspect
import sys
from datetime import datetime

_HAS_RESULT = ' - a final result was already processed.'


def is_recorded(response: object, asked: float) -> bool:
    """Whether an engine answered a request from its records: the response was made before it was asked for.

    A failure has no timestamp, so it is taken to be new.

    Args:
        response: The response, if one came.
        asked: When the request was made, in seconds since the epoch.
    """
    made = getattr(response, 'timestamp', None)
    return isinstance(made, datetime) and made.timestamp() < asked


def in_temporal_workflow() -> bool:
    """Whether this runs in a Temporal workflow, which may be evicted and replayed at any time."""
    workflow = sys.modules.get('temporalio.workflow')
    return workflow is not None and workflow.in_workflow()


def in_unit(events: object) -> bool:
    """Whether a handler that is given these events is called inside a unit, not in the container's code.

    Inside a unit the events are a generator of the engine's integration: those of one response, or a single one.
    """
    frame = getattr(events, 'ag_frame', None)
    if frame is None or frame.f_code.co_name == 'wrap_run_event_stream':
        return False
    return str(frame.f_globals.get('__name__', '')).startswith('pydantic_ai.durable_exec.')


def was_skipped(event: object) -> bool:
    """Whether a result with outcome `success` says that the tool was skipped because the run had its final result."""
    content = getattr(getattr(event, 'part', None), 'content', None)
    return isinstance(content, str) and content.endswith(_HAS_RESULT)


def stream_in_unit(events: object) -> object | None:
    """The stream of the response whose events a unit passes to its handler; it can be found until it is over."""
    for _ in range(4):
        if not inspect.isasyncgen(events):
            break
        events = None if events.ag_frame is None else events.ag_frame.f_locals.get('stream')
    return events


def response_of_unit(stream: object) -> object | None:
    """The response that such a stream has put together so far."""
    get = getattr(stream, 'get', None)
    return get() if callable(get) else None
