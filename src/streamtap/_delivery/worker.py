"""A worker thread behind a bounded queue, for sinks that may block."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeAlias

from streamtap._base.forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Callable

    Call: TypeAlias = tuple[str, Callable[[object], None], object, str]
    Waiting: TypeAlias = 'queue.SimpleQueue[Call | threading.Event | None]'

CAPACITY = 10_000
"""How many calls can wait for a slow sink before new ones are dropped."""


class Worker:
    """Calls sinks on one daemon thread, one call at a time and in order; drops and counts what does not fit.

    Args:
        call: Makes one guarded call: takes the sink's name, its method, the argument and the method's name.
        dropped: Counts what was dropped.
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
        """Start over: the thread and what is queued are the parent's."""
        # Lock and queue are reentrant: signal handlers and finalizers may come in the middle of any call.
        self._lock = threading.RLock()
        self._queue: Waiting = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._previous: threading.Thread | None = None

    def put(self, where: str, call: Callable[[object], None], fact: object, moment: str) -> None:
        """Queue one call; neither blocks nor raises. That a sink is attached or detached is never dropped."""
        if self._queue.qsize() >= CAPACITY and moment not in ('attached', 'detached'):
            if moment != 'faulted':
                self._dropped('records')
            return
        with self._lock:
            self._queue.put((where, call, fact, moment))
            self._ensure_started()

    def flush(self, timeout: float) -> bool:
        """Wait until everything queued so far was handed over; returns whether that took at most `timeout` seconds."""
        if threading.current_thread() is self._thread:
            return True
        reached = threading.Event()
        with self._lock:
            if self._thread is None and self._queue.empty():
                return True
            self._queue.put(reached)
            is_started = self._ensure_started()
        if not is_started:
            self._hand_over_here()
        return reached.wait(timeout)

    def close(self, timeout: float) -> None:
        """Flush and stop the thread; if it is still behind, it finishes what is queued, as a daemon."""
        has_kept_up = self.flush(timeout)
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._queue.put(None)
            self._queue, self._previous = queue.SimpleQueue(), thread
        # A sink may close the tap itself, on this thread.
        if has_kept_up and thread is not threading.current_thread():
            thread.join(timeout)

    def _ensure_started(self) -> bool:
        """Start the thread if none runs; returns whether one runs.

        None can start while the interpreter exits, or at a limit of the system.
        """
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(
                target=self._work, args=(self._queue, self._previous), name='streamtap', daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _work(self, waiting: Waiting, previous: threading.Thread | None) -> None:
        if previous is not None:
            previous.join()
        while (item := waiting.get()) is not None:
            self._hand_over(item)

    def _hand_over_here(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not None:
                self._hand_over(item)

    def _hand_over(self, item: Call | threading.Event) -> None:
        if isinstance(item, threading.Event):
            item.set()
        else:
            self._guarded_call(*item)
