"""Finds out about the streams of a run's output: `stream_text()`, `stream_output()` and `stream_response()`."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_ai import ModelRetry
from pydantic_ai.messages import ModelResponse
from pydantic_ai.result import AgentStream, StreamedRunResult

from streamtap._base.names import clean
from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable

_CODES = frozenset(
    code
    for owner in (StreamedRunResult, AgentStream)
    for name in ('stream_text', 'stream_output', 'stream_response')
    if (code := read(read(owner, name), '__code__')) is not None
)
"""The code of the public methods that give such a stream, which is an async generator."""


def run_id_of(items: object) -> str | None:
    """The id of the run whose output this stream gives; `None` for anything else, and for a stream that is over.

    A generator does not say who made it, but until it is over its frame has its arguments: here the run's result, or
    the stream of one response, both of which have the id in public.
    """
    frame = read(items, 'ag_frame')
    if not isinstance(frame, FrameType) or frame.f_code not in _CODES:
        return None
    found = read(frame.f_locals.get('self'), 'run_id')
    return clean(found) if isinstance(found, str) else None


def shows_output(item: object, is_output_tool: Callable[[str], bool]) -> bool:
    """Whether a reader has something to show: not if a response so far only thinks or calls tools, or a text is empty.

    Args:
        item: A text, an output or a response.
        is_output_tool: Whether a call of the tool of that name is the run's output.
    """
    if isinstance(item, ModelResponse):
        return any(
            part.has_content()
            and (
                part.part_kind in ('text', 'file') or (part.part_kind == 'tool-call' and is_output_tool(part.tool_name))
            )
            for part in item.parts
        )
    return item != ''


def is_failed_partial(ctx: object, error: BaseException) -> bool:
    """Whether an output failed to validate only because it is not complete yet, which pydantic-ai passes over."""
    return read(ctx, 'partial_output') is True and isinstance(error, (ValidationError, ModelRetry))
