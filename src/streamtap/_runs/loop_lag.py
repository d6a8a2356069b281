"""Measures how late event loops run what is due, to tell a blocked application from a slow provider."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks
from streamtap._base.names import clean
from streamtap._delivery.guard import guarded
from streamtap._records.faults import LoopLag

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._delivery.dispatch import Dispatch

WHERE = 'loop_lag'


class LoopLagMeter:
    """Schedules calls on each event loop, one after another while runs are open, and measures how late they come.

    While no run is open, it schedules nothing.

    Args:
        out: Receives the measurements.
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
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    def run_opened(self) -> None:
        """A run was opened: measure the running loop, unless that is measured already."""
        with guarded(self._out, WHERE):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:  # a run without a loop, such as one that was opened in another thread
                return
            with self._lock:
                if loop in self._measured:
                    return
                self._measured.add(loop)
            self._schedule(loop)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + self._every
        # In an empty context: the current one would keep the run alive, and all that it holds.
        loop.call_at(due, partial(self._measure, weakref.ref(loop), due), context=Context())

    def _measure(self, held: weakref.ref[asyncio.AbstractEventLoop], due: float) -> None:
        loop = held()
        if loop is None:
            return
        with guarded(self._out, WHERE):
            self._out.loop_lagged(LoopLag(clean(threading.current_thread().name), max(0.0, loop.time() - due)))
            with self._lock:
                goes_on = self._is_needed()
                if not goes_on:
                    self._measured.discard(loop)
            if goes_on:
                self._schedule(loop)
