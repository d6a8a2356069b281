"""Whether it is us or the provider: how late the event loop comes to what is due."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from streamtap._forks import tell_forks
from streamtap._guard import guarded
from streamtap._records import LoopLag

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._dispatch import Dispatch

WHERE = 'loop_lag'


class LoopLagMeter:
    """Asks each event loop for a call at a given time, again and again while runs are open, and sees when it comes.

    Between runs it asks for nothing.

    Args:
        out: Where what was seen goes.
        every: Seconds between two calls.
        is_needed: Whether any run is open.
    """

    def __init__(self, out: Dispatch, every: float, is_needed: Callable[[], bool]) -> None:
        self._out = out
        self._every = every
        self._is_needed = is_needed
        self._measured: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._lock = threading.RLock()
        tell_forks(self)

    def forked(self) -> None:
        """Have a lock that nobody holds."""
        self._lock = threading.RLock()

    def run_opened(self) -> None:
        """A run was opened here: measure this loop, if it is not measured already."""
        with guarded(self._out, WHERE):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:  # a run without a loop, such as one that another thread noticed
                return
            with self._lock:
                if loop in self._measured:
                    return
                self._measured.add(loop)
            self._ask(loop)

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + self._every
        # A context of its own: that of the run would be held, with all that is in it.
        loop.call_at(due, partial(self._called, weakref.ref(loop), due), context=Context())

    def _called(self, held: weakref.ref[asyncio.AbstractEventLoop], due: float) -> None:
        loop = held()
        if loop is None:
            return
        with guarded(self._out, WHERE):
            self._out.loop_lagged(LoopLag(threading.current_thread().name, max(0.0, loop.time() - due)))
            with self._lock:
                goes_on = self._is_needed()
                if not goes_on:
                    self._measured.discard(loop)
            if goes_on:
                self._ask(loop)
