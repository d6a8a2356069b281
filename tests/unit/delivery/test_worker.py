"""The thread behind sinks that may block: at the system's limits, while Python exits, and after a close."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from streamtap import BaseSink, Fault, RunRecord, RunStart, Tap
from streamtap._delivery.worker import Worker
from support.doors import HANDLER_AND_CAPABILITY
from support.made_records import run
from support.scripted import agent


class Slow(BaseSink):
    """Behind the worker: it takes the runs one after the other, when it is let."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.runs: list[str] = []
        self.inside = 0
        self.most_inside = 0

    def run_started(self, start: RunStart) -> None:
        """A moment more."""

    def run_ended(self, record: RunRecord) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.opened.wait(10)
        self.runs.append(record.run_id)
        self.inside -= 1

    def faulted(self, fault: Fault) -> None:
        """It hears of failures, too."""


def refuse(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_where_no_thread_can_start_the_run_goes_on_and_a_flush_hands_over(door: str, monkeypatch: pytest.MonkeyPatch):
    """At a limit of the system; and, from Python 3.12 on, while the interpreter exits."""
    sink = Slow()
    sink.opened.set()
    tap = Tap([sink])
    plugged: dict[str, Any] = (
        {'event_stream_handler': tap} if door == 'handler' else {'capabilities': [tap.capability()]}
    )

    async def main() -> str:
        # What asyncio itself starts, it starts before.
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, 'start', refuse)
            return (await agent(['done']).run('hello', **plugged)).output

    assert asyncio.run(main()) == 'done'
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, 'start', refuse)
        tap.flush()
    assert len(sink.runs) == 1
    assert tap.live().runs == ()
    tap.close()


def test_after_a_close_that_timed_out_one_thread_at_a_time_calls_the_sinks_in_order():
    """The next thread waits for the one that is behind."""
    sink, dropped = Slow(), list[str]()
    worker = Worker(lambda _where, call, fact, _moment: call(fact), dropped.append)
    for number in range(5):
        worker.put('Slow', sink.run_ended, run(run_id=str(number)), 'run_ended')  # pyright: ignore[reportArgumentType]
    worker.close(0.01)
    for number in range(5, 10):
        worker.put('Slow', sink.run_ended, run(run_id=str(number)), 'run_ended')  # pyright: ignore[reportArgumentType]
    sink.opened.set()
    assert worker.flush(10)
    worker.close(10)
    assert (sink.runs, sink.most_inside, dropped) == ([str(number) for number in range(10)], 1, [])
