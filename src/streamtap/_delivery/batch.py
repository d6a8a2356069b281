"""Keeps records for sinks in memory until there are several: their code and data are then in the processor's caches."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._delivery.worker import Call

SIZE = 16
"""How many calls wait at most; handing them over takes under a millisecond."""


class Batch:
    """Calls that wait until there are enough of them, or somebody wants to read what the sinks hold.

    A process that ends loses the sinks' memory along with them; a forked one has both.

    Args:
        call: Makes one guarded call: takes the sink's name, its method, the argument and the method's name.
    """

    def __init__(self, call: Callable[[str, Callable[[object], None], object, str], None]) -> None:
        self._guarded_call = call
        self._waiting: deque[Call] = deque()
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        # Reentrant: signal handlers and finalizers may come in the middle of any call.
        self._lock = threading.RLock()

    def add(self, call: Call) -> None:
        """Keep a call; the one that fills the batch makes them all, unless another thread is doing that."""
        self._waiting.append(call)
        if len(self._waiting) >= SIZE and self._lock.acquire(blocking=False):
            try:
                self._make()
            finally:
                self._lock.release()

    def deliver(self) -> None:
        """Make all calls that wait; when it returns, those of other threads are made, too."""
        if self._waiting or not self._lock.acquire(blocking=False):
            with self._lock:
                self._make()
        else:
            self._lock.release()

    def _make(self) -> None:
        while self._waiting:
            try:
                call = self._waiting.popleft()
            except IndexError:  # A finalizer was faster.
                return
            self._guarded_call(*call)
