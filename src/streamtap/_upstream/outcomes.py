"""How a run, a request or a tool call ended, derived from the exception that ended it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._upstream.model_responses import attempts_of
from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from streamtap._records.records import RequestOutcome, RunOutcome, ToolOutcome
    from streamtap._upstream.model_responses import Attempt


REQUEST_TIMEOUTS = frozenset({'ModelTimeoutError', 'ModelRequestTimeout', 'APITimeoutError', 'TimeoutException'})
"""What is raised when a request's time is up: Pydantic AI's own, those of the SDKs, and that of httpx."""

_MOST_CAUSES = 4

RUN_TIMED_OUT = 'RunTimedOut'
"""What the caller of a run gets when its time is up; inside the run that looks like a cancellation."""


def _names(error: BaseException) -> frozenset[str]:
    """The names of those of the exception's classes that are pydantic-ai's own: others may use the same names."""
    # A class that was created dynamically may have anything as its module.
    return frozenset(cls.__name__ for cls in type(error).__mro__ if str(cls.__module__).startswith('pydantic_ai'))


def error_type(error: BaseException) -> str:
    """The exception's class name; for an HTTP error of a model `ModelHTTPError_` and the status."""
    status = getattr(error, 'status_code', None) if 'ModelHTTPError' in _names(error) else None
    return f'ModelHTTPError_{status}' if isinstance(status, int) else clean(type(error).__name__)


def _deadline_passed(ctx: object) -> bool:
    """Whether the run's own time limit is why it is being cancelled; below 2.58 a run has none."""
    told = getattr(read(ctx, '_cancellation'), 'timed_out', None)
    if isinstance(told, bool):
        return told
    try:
        remaining: object = ctx.remaining_time()  # type: ignore[attr-defined]
    except Exception:
        return False
    return isinstance(remaining, (int, float)) and remaining <= 0


def is_stop(error: BaseException) -> bool:
    """Whether somebody stopped what raised it, so that nothing failed."""
    return isinstance(error, (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit))


def run_outcome(error: BaseException, ctx: object) -> RunOutcome:
    """The outcome of a run that `error` ended."""
    names = _names(error)
    if 'RunTimedOut' in names or (is_stop(error) and _deadline_passed(ctx)):
        return 'timeout'
    if is_stop(error) or 'RunCancelled' in names:
        return 'cancelled'
    return 'limit' if 'UsageLimitExceeded' in names else 'error'


def run_ending(error: BaseException, ctx: object) -> tuple[RunOutcome, str | None]:
    """The outcome and the error type of a run that `error` ended; there is no error type if the caller stopped it."""
    outcome = run_outcome(error, ctx)
    if outcome == 'cancelled':
        return outcome, None
    return outcome, RUN_TIMED_OUT if outcome == 'timeout' else error_type(error)


def request_outcome(error: BaseException, ctx: object) -> RequestOutcome:
    """The outcome of a request that `error` ended; a usage limit is the caller's stop, not the provider's failure."""
    outcome = run_outcome(error, ctx)
    if outcome == 'error':
        return 'timeout' if is_timeout(error) else 'error'
    return 'cancelled' if outcome == 'limit' else 'timeout' if outcome == 'timeout' else 'cancelled'


def is_timeout(error: BaseException) -> bool:
    """Whether a request's own time limit ran out: one that Pydantic AI keeps, or the provider's client.

    Older releases raise what the client raised, or name it as the cause.
    """
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None or 'RunCancelled' in _names(seen):
            return False
        names = {cls.__name__ for cls in type(seen).__mro__}
        if names & REQUEST_TIMEOUTS or isinstance(seen, (TimeoutError, asyncio.TimeoutError)):
            return True
        seen = seen.__cause__
    return False


def is_of_model(error: BaseException) -> bool:
    """Whether a model, or the connection to it, failed, which means that its request was sent."""
    return bool(_names(error) & {'ModelAPIError', 'FallbackExceptionGroup'})


def is_of_model_output(error: BaseException) -> bool:
    """Whether pydantic-ai could not accept what the model answered, for instance wrong arguments once too often."""
    return 'UnexpectedModelBehavior' in _names(error)


def failed_attempts(error: BaseException) -> tuple[Attempt, ...]:
    """Every attempt of a request in which all candidates failed; empty for any other error."""
    return attempts_of(error) if 'FallbackExceptionGroup' in _names(error) else ()


def is_deferral(error: BaseException) -> bool:
    """Whether a tool call was deferred: it waits for approval, or is executed outside the run."""
    return bool(_names(error) & {'CallDeferred', 'ApprovalRequired'})


def tool_outcome(error: BaseException) -> tuple[ToolOutcome, str | None, str | None]:
    """The outcome, retry cause and error type of a tool call that `error` ended."""
    names = _names(error)
    if is_stop(error):
        return 'interrupted', None, None
    if is_deferral(error):
        return 'deferred', None, None
    if 'SkipToolExecution' in names:
        # Another capability answered for the tool.
        return 'success', None, None
    if names & {'ToolRetryError', 'ModelRetry'}:
        return 'retried', 'timeout' if _timed_out(error) else 'model_retry', None
    # A nested run that cancels itself does not cancel its caller: pydantic-ai makes the tool fail.
    if names & {'ToolFailedError', 'ToolFailed', 'RunCancelled'}:
        return 'failed', None, None
    return 'error', None, error_type(error)


def _timed_out(error: BaseException) -> bool:
    """Whether the tool's own timeout caused the retry: pydantic-ai then raises it `from None` out of a TimeoutError."""
    seen: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if seen is None:
            return False
        if seen.__suppress_context__ and isinstance(seen.__context__, TimeoutError) and seen.__cause__ is None:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
