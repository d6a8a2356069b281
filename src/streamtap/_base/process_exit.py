"""What still exists when the process exits is closed, also in processes that multiprocessing starts."""

from __future__ import annotations

import atexit
import os
import weakref
from multiprocessing import parent_process, util
from typing import Protocol


class Closable(Protocol):
    """Something that reports what it still has when it is closed."""

    def close(self) -> None:
        """The process exits."""


def close_at_exit(one: Closable) -> None:
    """Close it when the process exits, if it still exists then.

    Args:
        one: What is closed; it is held weakly.
    """
    _EXIT.add(one)


class _Exit:
    """Closes what is open at the exit of this process, and of every process that is forked from it.

    The processes of multiprocessing, such as the workers of a `ProcessPoolExecutor`, run no `atexit` functions: they run
    the finalizers of `multiprocessing.util`, and each of them forgets those of its parent when it starts.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakSet[Closable] = weakref.WeakSet()
        self._finalized: int | None = None
        atexit.register(self.close)
        util.register_after_fork(self, _Exit._started)

    def add(self, one: Closable) -> None:
        self._open.add(one)
        if parent_process() is not None:
            self._started()

    def close(self) -> None:
        for one in list(self._open):
            one.close()

    def _started(self) -> None:
        """This is a process of multiprocessing, which has forgotten the finalizers of its parent."""
        if self._finalized != os.getpid():
            self._finalized = os.getpid()
            util.Finalize(None, self.close, exitpriority=0)


_EXIT = _Exit()
