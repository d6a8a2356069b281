"""The run whose tools are being called here: the parent of a run that begins."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from streamtap._run import Run


class CurrentRun:
    """Follows the code that a run's tools call, into the tasks that it starts, too.

    Each tap has its own, so that two taps on one run do not hide each other's nesting.
    """

    def __init__(self) -> None:
        self._caller: ContextVar[Callable[[], Run | None] | None] = ContextVar('streamtap_caller', default=None)

    def get(self) -> Run | None:
        """The run, if the code here was called by one."""
        caller = self._caller.get()
        return None if caller is None else caller()

    @contextlib.contextmanager
    def calling(self, run: Callable[[], Run | None]) -> Generator[None]:
        """What is called inside the block is called by that run.

        Args:
            run: Gives the run when it is asked for: a run that is watched is known later than it begins.
        """
        token = self._caller.set(run)
        try:
            yield
        finally:
            # Some versions of pydantic-ai drop the task of a cancelled run: it is closed in some other context then.
            with contextlib.suppress(ValueError):
                self._caller.reset(token)
