"""Tells when a run is over, and how it ended, to a door that pydantic-ai does not tell.

A run lets go of its cancellation tokens when it is over: when all of it is torn down, and before its caller goes on.
What stands among them is told at exactly that moment, and how the run ended is in the frames below: the exception that
its caller is about to get, or its result.
"""

from __future__ import annotations

import asyncio
import inspect
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from streamtap._upstream import outcomes, run_context
from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from streamtap._records.records import RunOutcome

MOST_FRAMES = 12
"""How many frames there are at most from the end of a run down to the one that has its result."""

_MISSING = object()


class Ending(NamedTuple):
    """How a run ended."""

    outcome: RunOutcome
    error_type: str | None


class EndOfRun:
    """Stands among the cancellation tokens of a run, to be told its end.

    Args:
        ended: Called once, when the run is over, with a function that says how it ended, or `None` if that cannot be seen;
            only that function may raise, and it must be called at once.
    """

    def __init__(self, ended: Callable[[Callable[[], Ending | None]], None]) -> None:
        self._ended = ended

    def _register(self, cancellation: object) -> None:
        """The run has taken it among its tokens."""

    def _unregister(self, cancellation: object) -> None:
        """The run is over."""
        # Not kept in a variable, which would be a circle.
        self._ended(partial(_ending, inspect.currentframe(), cancellation))


def tell_end(ctx: object, ended: Callable[[Callable[[], Ending | None]], None]) -> bool:
    """Have the end of a run told; `False` where pydantic-ai gives no way to.

    Args:
        ctx: The run's context.
        ended: See `EndOfRun`.
    """
    cancellation = read(ctx, '_cancellation')
    attach = getattr(cancellation, 'attach_token', None)
    if attach is None or not run_context.goes_on(cancellation):
        return False
    attach(EndOfRun(ended))
    return True


def _ending(below: FrameType | None, cancellation: object) -> Ending | None:
    has_timed_out = getattr(cancellation, 'timed_out', None) is True
    error = _local(below, 'exc', of='_exit_wrapper')
    if isinstance(error, BaseException):
        if has_timed_out and isinstance(error, asyncio.CancelledError):
            return Ending('timeout', outcomes.RUN_TIMED_OUT)
        return Ending(*outcomes.run_ending(error, None))
    run = _local(below, 'agent_run')
    if error is _MISSING or run is _MISSING:
        return None
    result = getattr(run, 'result', None)
    if result is None:
        # Whoever drove the run, or read its stream, left it without an exception.
        return Ending('cancelled', None)
    return Ending('deferred' if run_context.is_deferred_result(result) else 'success', None)


def _local(below: FrameType | None, name: str, of: str | None = None) -> object:
    """A local variable of the nearest function that has it."""
    for _ in range(MOST_FRAMES):
        if below is None:
            break
        code = below.f_code
        # A frame's variables are copied when they are asked for.
        has_it = name in code.co_varnames + code.co_cellvars + code.co_freevars
        if of in (None, code.co_name) and has_it and name in below.f_locals:
            return below.f_locals[name]
        below = below.f_back
    return _MISSING
