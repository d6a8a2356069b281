"""Signals that end the process, at any moment of the tap's own work."""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, OTelSpanSink, PrometheusSink, RunRecord, Tap, UsageSink
from support.scripted import agent

if TYPE_CHECKING:
    from types import FrameType


class Interrupted(BaseSink):
    """Inside it, a signal's handler calls sys.exit()."""

    inline = True

    def run_ended(self, record: RunRecord) -> None:
        raise SystemExit(3)


def test_an_exit_by_a_signal_handler_is_not_swallowed():
    """SIGTERM comes in whatever the main thread does, the tap's code included."""
    with pytest.raises(SystemExit):
        asyncio.run(agent(['done'], capabilities=[Tap([Interrupted()]).capability()]).run('hello'))


def test_in_another_thread_it_is_a_failure_like_any_other():
    """Signal handlers run in the main thread only."""
    outputs: list[str] = []

    def work() -> None:
        tapped = agent(['done'], capabilities=[Tap([Interrupted()]).capability()])
        outputs.append(asyncio.run(tapped.run('hello')).output)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert outputs == ['done']


@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='there are no interval timers here')
@pytest.mark.timeout(60)
def test_a_signal_handler_may_close_the_tap_at_any_moment():
    """Also while the main thread is inside one of its locks."""
    tap, closed = Tap([PrometheusSink(CollectorRegistry()), OTelSpanSink(), UsageSink()]), list[int]()
    tapped = agent(*(['done'] for _ in range(60)), capabilities=[tap.capability()])

    def close(_: int, __: FrameType | None) -> None:
        tap.close()
        closed.append(1)

    async def main() -> None:
        for _ in range(30):
            await tapped.run('hello')

    before = signal.signal(signal.SIGALRM, close)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
    try:
        asyncio.run(main())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert closed
