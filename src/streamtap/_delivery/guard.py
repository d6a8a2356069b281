"""Keeps exceptions of the tap's code, and of code that it calls, from reaching the run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from types import TracebackType


class Failures(Protocol):
    """Counts the failures of the tap itself."""

    def failed(self, where: str, error: BaseException) -> None:
        """A part of the tap raised."""


class guarded:  # noqa: N801 - used as the function that `contextlib.contextmanager` would make of it, at half its cost
    """Counts and suppresses any exception in the block, except one that ends the process.

    Args:
        out: Counts the failure.
        where: What the failure is counted under.
    """

    __slots__ = ('_out', '_where')

    def __init__(self, out: Failures, where: str) -> None:
        self._out = out
        self._where = where

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if error is None or ends_process(error):
            return False
        self._out.failed(self._where, error)
        return True


def ends_process(error: BaseException) -> bool:
    """Whether this is how a signal ends the process, whichever code it interrupts: its handler runs in the main thread."""
    return isinstance(error, KeyboardInterrupt | SystemExit) and threading.current_thread() is threading.main_thread()
