"""Tracks the run whose tool is executing, and the call: the parent of a run that begins there."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from streamtap._runs.run import Run


class Calling(NamedTuple):
    """What called the current code.

    `run` returns the run when it is needed: a watched run may be identified only after it began.
    """

    run: Callable[[], Run | None]
    tool_call_id: str | None


class Caller:
    """Tracks which run called the current code, and by which tool call, also in the tasks that this code starts.

    Each tap has its own, so that two taps on one run do not hide each other's nesting.
    """

    def __init__(self) -> None:
        self._caller: ContextVar[Calling | None] = ContextVar('streamtap_caller', default=None)

    def get(self) -> tuple[Run | None, str | None]:
        """The run that called the current code, if any, and the id of its tool call, if it is known."""
        calling = self._caller.get()
        return (None, None) if calling is None else (calling.run(), calling.tool_call_id)

    @contextlib.contextmanager
    def calling(self, run: Callable[[], Run | None], tool_call_id: str | None = None) -> Generator[None]:
        """Make that run the caller of the code inside the block.

        Args:
            run: Returns the run when it is needed: a watched run may be identified only after it began.
            tool_call_id: The id of its tool call, if it is known.
        """
        token = self._caller.set(Calling(run, tool_call_id))
        try:
            yield
        finally:
            # Some versions of pydantic-ai abandon the task of a cancelled run: it is then closed in another context.
            with contextlib.suppress(ValueError):
                self._caller.reset(token)
