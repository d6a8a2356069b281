"""A worker thread behind a bounded queue, for sinks that may block."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from streamtap._forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Callable

CAPACITY = 10_000
"""Moments that wait for a slow sink before new ones are dropped."""


class Worker:
    """Calls sinks on one daemon thread, in order; drops and counts what does not fit.

    Args:
        call: Makes one guarded call, given the sink's name, its method, the fact and the moment's name.
        dropped: Counts what was given up.
    """

    def __init__(
        self,
        call: Callable[[str, Callable[[object], None], object, str], None],
        dropped: Callable[[str], None],
    ) -> None:
        self._guarded_call = call
        self._dropped = dropped
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Begin anew: the thread is the parent's, and its queue is the parent's to empty."""
        self._lock = threading.Lock()
        self._queue: queue.Queue[tuple[str, Callable[[object], None], object, str] | threading.Event | None]
        self._queue = queue.Queue(CAPACITY)
        self._thread: threading.Thread | None = None

    def put(self, where: str, call: Callable[[object], None], fact: object, moment: str) -> None:
        """Queue one call; never blocks."""
        self._ensure_started()
        try:
            self._queue.put_nowait((where, call, fact, moment))
        except queue.Full:
            if moment != 'faulted':
                self._dropped('records')

    def flush(self, timeout: float) -> bool:
        """Wait until everything queued so far was handed over; whether it was within `timeout` seconds."""
        if self._thread is None or threading.current_thread() is self._thread:
            return True
        reached = threading.Event()
        try:
            self._queue.put(reached, timeout=timeout)
        except queue.Full:
            return False
        return reached.wait(timeout)

    def close(self, timeout: float) -> None:
        """Flush and end the thread; one that hangs in a sink is left behind, it is a daemon."""
        has_kept_up = self.flush(timeout)
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            try:
                self._queue.put_nowait(None)
            except queue.Full:
                return
            # A sink may close the tap itself, on this thread.
            if has_kept_up and thread is not threading.current_thread():
                thread.join(timeout)

    def _ensure_started(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, args=(self._queue,), name='streamtap', daemon=True)
                self._thread.start()

    def _work(
        self, waiting: queue.Queue[tuple[str, Callable[[object], None], object, str] | threading.Event | None]
    ) -> None:
        while (item := waiting.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
            else:
                self._guarded_call(*item)
