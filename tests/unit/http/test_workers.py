"""Threads of our own for what a loop must not wait for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from streamtap._http.workers import Workers


def test_what_was_refused_is_not_done_later(monkeypatch: pytest.MonkeyPatch):
    """Where the system has no further thread, others that work do not take the call that was sent away."""
    done: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        assert go_on.wait(10)
        done.append('first')

    def cannot(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> None:
        workers = Workers()
        working = asyncio.ensure_future(workers.run(first))
        assert await asyncio.to_thread(begun.wait, 10)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, 'start', cannot)
            with pytest.raises(BlockingIOError):
                await workers.run(lambda: done.append('refused'))
        go_on.set()
        await working
        await workers.run(lambda: done.append('last'))

    asyncio.run(main())
    assert done == ['first', 'last']
