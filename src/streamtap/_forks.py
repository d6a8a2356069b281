"""Forked children: no thread comes along, a lock may be held by one that did not, and open runs are the parent's."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that a forked child must begin anew."""

    def forked(self) -> None:
        """This process is a forked child, and has no other thread yet."""
        ...


def tell_forks(one: Forkable) -> None:
    """Call `forked` in every child that this process, or a child of it, forks.

    Args:
        one: Who is told, as long as it is there.
    """
    _TOLD.add(one)


_TOLD: weakref.WeakSet[Forkable] = weakref.WeakSet()


def _forked() -> None:
    for one in list(_TOLD):
        one.forked()


if hasattr(os, 'register_at_fork'):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_forked)
