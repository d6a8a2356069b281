"""Interprets the events of a stream: content, parts, tool calls and their results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from streamtap._base.names import clean
from streamtap._upstream.model_responses import size_of
from streamtap._upstream.tool_arguments import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._meter.parts import Role
    from streamtap._meter.response import ResponseMeter
    from streamtap._records.records import ToolOutcome


NATIVE_CALL = 'builtin-tool-call'

_ROLES: dict[str, Role] = {'thinking': 'thinking', 'text': 'answer', 'file': 'answer', 'speech': 'answer'}
"""What the kinds of parts are to the user; all others are of no interest to one."""


def feed_response(
    meter: ResponseMeter,
    event: AgentStreamEvent,
    waited_from: float,
    now: float,
    describe: Callable[[str], tuple[str, bool]],
) -> None:
    """Pass an event of a model's response on to the meter. On the path of every delta.

    Args:
        meter: Measures the response.
        event: The event that arrived.
        waited_from: When the wait for it began.
        now: When it arrived.
        describe: Returns the name under which a tool is reported, and whether it is an output tool; called once per
            tool call.
    """
    if event.event_kind == 'part_delta':
        delta = event.delta
        if delta.part_delta_kind == 'tool_call':
            if delta.args_delta:
                meter.arguments(event.index, now)
                if meter.first_output is None:
                    _note_first(meter, event.index, waited_from, now, delta.args_delta)
                    return
                meter.chunk(event.index, waited_from, now)
                return
            if delta.tool_name_delta:
                meter.chunk(event.index, waited_from, now)
                return
        elif delta.part_delta_kind == 'speech':
            if delta.audio_chunk or delta.transcript_delta:
                meter.chunk(event.index, waited_from, now)
                return
        elif delta.content_delta:
            if meter.first_output is None and (meter.first_chunk is None or delta.part_delta_kind != 'thinking'):
                _note_first(meter, event.index, waited_from, now, delta.content_delta)
                return
            meter.chunk(event.index, waited_from, now)
            return
        meter.other(waited_from, now)
    elif event.event_kind == 'part_start':
        _part_started(meter, event.index, event.part, waited_from, now, describe)
    else:
        if event.event_kind == 'final_result':
            meter.final_result = now
        meter.other(waited_from, now)


def _part_started(
    meter: ResponseMeter,
    index: int,
    part: object,
    waited_from: float,
    now: float,
    describe: Callable[[str], tuple[str, bool]],
) -> None:
    kind = clean(_text(part, 'part_kind') or 'unknown')
    tool = _text(part, 'tool_name')
    call_id = _text(part, 'tool_call_id')
    shown_id = None if call_id is None else clean(call_id)
    shown = None if tool is None else clean(tool)
    if kind == 'builtin-tool-return':
        meter.other(waited_from, now)
        succeeded = getattr(part, 'outcome', 'success') == 'success'
        meter.native_returned(call_id or '', now, succeeded=succeeded)
        meter.part_started(index, kind, 'call', tool=shown, tool_call_id=shown_id, now=now)
        return
    is_call = kind in ('tool-call', NATIVE_CALL)
    shown, is_output = describe(tool) if kind == 'tool-call' and tool else (shown if is_call else None, False)
    role = 'output_call' if is_output else _ROLES.get(kind, 'call')
    meter.part_started(index, kind, role, tool=shown, tool_call_id=shown_id if is_call else None, now=now)
    if tool if is_call else _has_content(part):
        if is_call and getattr(part, 'args', None):
            meter.arguments(index, now)
        if meter.first_output is None:
            _note_first(meter, index, waited_from, now, getattr(part, 'content', None))
        else:
            meter.chunk(index, waited_from, now)
    else:
        meter.other(waited_from, now)
    if kind == NATIVE_CALL:
        meter.native_started(shown or '', call_id or '', now)


def _note_first(meter: ResponseMeter, index: int, waited_from: float, now: float, content: object) -> None:
    """A chunk arrived that may be the first, or the first that is not thinking: how much it brought is noted."""
    size = size_of(content)
    before = meter.first_chunk
    meter.chunk(index, waited_from, now)
    if before is None:
        meter.first_size = size
    if meter.first_output is not None:
        meter.first_output_size = size


def _has_content(part: object) -> bool:
    if getattr(part, 'part_kind', '') == 'speech':
        return bool(getattr(part, 'transcript', None) or getattr(part, 'audio', None))
    if getattr(part, 'part_kind', '') == 'compaction':
        return False
    return bool(getattr(part, 'content', None))


def _text(part: object, name: str) -> str | None:
    value = getattr(part, name, None)
    return value if isinstance(value, str) else None


class ToolCall(NamedTuple):
    """A tool call was announced; `will_run` is false for one whose arguments are invalid or that waits for approval.

    `fingerprint` is what calls of a function tool with the same arguments share, if they will run.
    """

    tool: str
    tool_call_id: str
    kind: Literal['function', 'output']
    will_run: bool
    fingerprint: int | None = None


class ToolResult(NamedTuple):
    """A tool call's result arrived; `cause` says why it is to be made again, `error_type` what was raised instead."""

    tool: str
    tool_call_id: str
    kind: Literal['function', 'output']
    outcome: ToolOutcome
    cause: str | None
    error_type: str | None = None
    content: object = None
    """What a function tool that succeeded returned."""


_FAILED_OUTPUT = 'Output tool not used - output '
"""How pydantic-ai says an output was invalid once too often while another was accepted; its outcome is `success`."""


_TIMED_OUT = re.compile(r'Timed out after \S+ seconds\.')
"""How pydantic-ai says to a model that a tool's own timeout ran out; its cause is that of any other retry."""


_UNKNOWN = 'Unknown tool name: '
"""How pydantic-ai tells a model that it invented a tool, in releases whose retries do not have a cause."""


def tool_call(event: AgentStreamEvent) -> ToolCall | None:
    """The announced call, or `None` if the event is something else."""
    kind = event.event_kind
    if kind not in ('function_tool_call', 'output_tool_call'):
        return None
    part = getattr(event, 'part', None)
    tool, will_run = _text(part, 'tool_name') or '', getattr(event, 'args_valid', None) is True
    is_output = kind == 'output_tool_call'
    return ToolCall(
        tool=tool,
        tool_call_id=_text(part, 'tool_call_id') or '',
        kind='output' if is_output else 'function',
        will_run=will_run,
        fingerprint=None if is_output or not will_run else fingerprint(tool, getattr(part, 'args', None)),
    )


def started_part(event: AgentStreamEvent) -> int | None:
    """The index of the part that begins with this event, 0 for the first of a response; `None` if none does."""
    return event.index if event.event_kind == 'part_start' else None


def is_deferral(event: AgentStreamEvent) -> bool:
    """Whether tool calls are deferred: the run waits for decisions or results from outside."""
    return event.event_kind == 'deferred_tool_requests'


def decided_calls(event: AgentStreamEvent) -> frozenset[str] | None:
    """The ids of the calls for which a capability gave a decision or a result; `None` if the event is something else."""
    if event.event_kind != 'deferred_tool_results':
        return None
    results = getattr(event, 'results', None)
    found: set[str] = set()
    for name in ('approvals', 'calls'):
        decisions: dict[str, object] = getattr(results, name, None) or {}
        found.update(decisions)
    return frozenset(found)


def tool_result(event: AgentStreamEvent) -> ToolResult | None:
    """The result of a call, or `None` if the event is something else."""
    kind = event.event_kind
    if kind not in ('function_tool_result', 'output_tool_result'):
        return None
    part = getattr(event, 'part', None)
    outcome = getattr(part, 'outcome', 'success')
    cause = getattr(getattr(part, 'retry', None), 'cause', None)
    if getattr(part, 'part_kind', '') == 'retry-prompt':
        outcome, cause = 'retried', _cause(part)
    if cause == 'model_retry' and _TIMED_OUT.fullmatch(_text(part, 'content') or ''):
        cause = 'timeout'
    known = outcome if outcome in ('success', 'failed', 'denied', 'interrupted', 'retried') else 'error'
    is_output = kind == 'output_tool_result'
    error_type = None
    if is_output and (_text(part, 'content') or '').startswith(_FAILED_OUTPUT):
        known, error_type = 'error', 'UnexpectedModelBehavior'
    return ToolResult(
        tool=_text(part, 'tool_name') or '',
        tool_call_id=_text(part, 'tool_call_id') or '',
        kind='output' if is_output else 'function',
        outcome=cast('ToolOutcome', known),
        cause=clean(cause) if isinstance(cause, str) else None,
        error_type=error_type,
        content=getattr(part, 'content', None) if known == 'success' and not is_output else None,
    )


def _cause(part: object) -> str:
    """Why a call is to be made again, derived from the message to the model."""
    content = getattr(part, 'content', None)
    if not isinstance(content, str):
        return 'validation_error'
    return 'unknown_tool' if content.startswith(_UNKNOWN) else 'model_retry'
