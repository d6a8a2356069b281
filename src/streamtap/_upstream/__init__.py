"""The one place that knows pydantic-ai's shapes, and how they differ between its releases.

Kinds are compared as strings (`event_kind`, `part_kind`, `outcome`), which are stable across releases; classes are not.
"""

from streamtap._upstream.context import (
    Who,
    asks_again,
    driving_task,
    is_deferred_result,
    is_instrumented,
    is_primed,
    messages_of,
    metadata_labels,
    model_call,
    model_of,
    output_call,
    request_unix_time,
    take_off_second_instrumentation,
    tool_manager,
    waits_for_slot,
    who,
)
from streamtap._upstream.errors import (
    error_type,
    failed_attempts,
    request_outcome,
    run_ending,
    tool_outcome,
)
from streamtap._upstream.events import ToolResult, decided_calls, feed_response, tool_call, tool_result
from streamtap._upstream.responses import (
    Attempt,
    Response,
    asked_model,
    read_response,
    response_at,
    streamed_response,
)
from streamtap._upstream.tools import (
    UNKNOWN_TOOL,
    execution_mode,
    is_answered_outside,
    is_output_tool,
    is_sequential,
    known_tool,
)

__all__ = [
    'UNKNOWN_TOOL',
    'Attempt',
    'Response',
    'ToolResult',
    'Who',
    'asked_model',
    'asks_again',
    'decided_calls',
    'driving_task',
    'error_type',
    'execution_mode',
    'failed_attempts',
    'feed_response',
    'is_answered_outside',
    'is_deferred_result',
    'is_instrumented',
    'is_output_tool',
    'is_primed',
    'is_sequential',
    'known_tool',
    'messages_of',
    'metadata_labels',
    'model_call',
    'model_of',
    'output_call',
    'read_response',
    'request_outcome',
    'request_unix_time',
    'response_at',
    'run_ending',
    'streamed_response',
    'take_off_second_instrumentation',
    'tool_call',
    'tool_manager',
    'tool_outcome',
    'tool_result',
    'waits_for_slot',
    'who',
]
