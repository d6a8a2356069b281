"""What still exists when the process exits is closed."""

from __future__ import annotations

import atexit
import weakref
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
    _OPEN.add(one)


_OPEN: weakref.WeakSet[Closable] = weakref.WeakSet()


@atexit.register
def _exit() -> None:
    for one in list(_OPEN):
        one.close()
