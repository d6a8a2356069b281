"""Resets state in forked children: threads are gone, one may have held a lock, and open runs are the parent's."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something whose state a forked child must reset."""

    def forked(self) -> None:
        """Reset; called in a forked child, before it has any other thread."""


def tell_forks(one: Forkable) -> None:
    """Call `one.forked()` in every child that this process, or a descendant of it, forks.

    Args:
        one: The object, which is held weakly.
    """
    _TOLD.add(one)


_TOLD: weakref.WeakSet[Forkable] = weakref.WeakSet()


def _forked() -> None:
    for one in list(_TOLD):
        one.forked()


if hasattr(os, 'register_at_fork'):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_forked)
