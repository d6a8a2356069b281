"""Threads for what an event loop must not wait for, which are nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from streamtap._base.forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar('Result')

MOST_THREADS = 8
MOST_WAITING = 64
"""How many calls may wait for a thread."""


class Workers:
    """Threads that begin when there is something to do, and end when there is nothing: none is left behind."""

    def __init__(self) -> None:
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Begin anew: the threads are the parent's, and so is what they do."""
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._threads = 0

    async def run(self, function: Callable[[], Result], unwanted: Callable[[Result], object] | None = None) -> Result:
        """Call a function in a thread.

        Args:
            function: What is called.
            unwanted: Called with what it returns, if nobody waits for it any more.

        Returns:
            What it returns.

        Raises:
            BlockingIOError: If too much is to be done already, or the system has no threads.
        """
        future: Future[Result] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._begin(call)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            # A call that has begun goes on, though nobody waits for it.
            if unwanted is not None:
                future.add_done_callback(lambda done: _discard(done, unwanted))
            raise

    def _begin(self, call: Callable[[], None]) -> None:
        with self._lock:
            if len(self._waiting) >= MOST_WAITING:
                raise BlockingIOError('too many requests wait for a thread')
            self._waiting.append(call)
            if self._threads == MOST_THREADS:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name='streamtap-app', daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1
                if call not in self._waiting:
                    # Another thread has begun it.
                    return
                self._waiting.remove(call)
            raise BlockingIOError('the system has no thread for a request') from None

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                call = self._waiting.popleft()
            call()
            del call


def _discard(done: Future[Result], unwanted: Callable[[Result], object]) -> None:
    if not done.cancelled() and done.exception() is None:
        unwanted(done.result())
