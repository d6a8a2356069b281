"""The one rule for what failed and what was cancelled; whoever shows, counts or alerts on them asks it.

A caller who stopped a run did not fail: that is shown apart. What is deferred, denied, interrupted, retried or incomplete is neither good
nor bad.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.records import FailureRecord, ResponseRecord, RunRecord

if TYPE_CHECKING:
    from streamtap._records.records import RequestOutcome, RunOutcome, ToolOutcome, ToolRecord

FAILED_RUNS: tuple[RunOutcome, ...] = ('error', 'timeout', 'limit')
"""The outcomes of runs that failed."""

FAILED_REQUESTS: tuple[RequestOutcome, ...] = ('error', 'timeout')
"""The outcomes of requests that failed."""

FAILED_TOOLS: tuple[ToolOutcome, ...] = ('error', 'failed')
"""The outcomes of tool calls that failed."""


def has_failed(record: RunRecord | ResponseRecord | ToolRecord) -> bool:
    """Whether the run, the request or the tool call failed."""
    if isinstance(record, RunRecord):
        return record.outcome in FAILED_RUNS
    if isinstance(record, ResponseRecord):
        return record.outcome in FAILED_REQUESTS
    return record.outcome in FAILED_TOOLS


def was_cancelled(record: RunRecord | ResponseRecord) -> bool:
    """Whether the caller stopped the run or the request."""
    return record.outcome == 'cancelled'


def failure_of(run: RunRecord) -> FailureRecord | None:
    """Why a run failed, and where; `None` if it did not.

    A journal of an older version says only with which error.
    """
    if not has_failed(run):
        return None
    return run.failure or FailureRecord(agent=run.agent, error=run.error_type or run.outcome)
