"""What the conventions call `error.type`: of failures, of every failure, and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.failed import has_failed

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

OTHER = '_OTHER'
"""A failure whose type is not known."""

TOOL_ERROR = 'tool_error'
"""An MCP server answered that the tool failed."""


def error_type_of(record: RunRecord | ResponseRecord | ToolRecord) -> str | None:
    """The type of a failure; `None` for what did not fail."""
    if not has_failed(record):
        return None
    return record.error_type or ('timeout' if record.outcome == 'timeout' else OTHER)


def mcp_error_type_of(record: ToolRecord) -> str | None:
    """The type of a failed call of an MCP server, also where the model is asked to call again; `None` for a success."""
    if record.outcome == 'failed' or (record.outcome == 'retried' and record.retry_cause == 'model_retry'):
        return record.error_type or TOOL_ERROR
    if record.outcome == 'retried' and record.retry_cause == 'timeout':
        return 'timeout'
    return error_type_of(record)
