"""Tracks the run whose tool is executing: the parent of a run that begins there."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from streamtap._runs.run import Run


class Caller:
    """Tracks which run called the current code, also in the tasks that this code starts.

    Each tap has its own, so that two taps on one run do not hide each other's nesting.
    """

    def __init__(self) -> None:
        self._caller: ContextVar[Callable[[], Run | None] | None] = ContextVar('streamtap_caller', default=None)

    def get(self) -> Run | None:
        """The run that called the current code, if any."""
        caller = self._caller.get()
        return None if caller is None else caller()

    @contextlib.contextmanager
    def calling(self, run: Callable[[], Run | None]) -> Generator[None]:
        """Make that run the caller of the code inside the block.

        Args:
            run: Returns the run when it is needed: a watched run may be identified only after it began.
        """
        token = self._caller.set(run)
        try:
            yield
        finally:
            # Some versions of pydantic-ai abandon the task of a cancelled run: it is then closed in another context.
            with contextlib.suppress(ValueError):
                self._caller.reset(token)
