"""A sink hears when it is attached to a tap and when it is detached from it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from streamtap import Attachment, BaseSink, JournalSink, Live, PrometheusSink, Tap, UsageSink
from streamtap._delivery.dispatch import Dispatch
from streamtap._delivery.worker import CAPACITY
from support.scripted import agent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamtap import Fault, RunRecord


class Listener(BaseSink):
    """Remembers what it hears, on the tap's worker thread."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.first: Callable[[], object] = lambda: None

    def attached(self, attachment: Attachment) -> None:
        self.heard.append('attached')

    def run_ended(self, record: RunRecord) -> None:
        self.first()
        self.heard.append('run ended')

    def detached(self, attachment: Attachment) -> None:
        self.heard.append('detached')


class InlineListener(Listener):
    """The same, inside the agent's own task."""

    inline: ClassVar[bool] = True


def one_run(tap: Tap) -> None:
    asyncio.run(agent(['hello']).run('hi', event_stream_handler=tap))
    tap.flush()


@pytest.fixture(params=[Listener, InlineListener])
def listener(request: pytest.FixtureRequest) -> Listener:
    """A sink of each kind."""
    made: Listener = request.param()
    return made


def test_a_removed_sink_hears_it_after_all_else(listener: Listener):
    """When `remove_sink` returns, it has received what happened before, and is detached."""
    tap = Tap([UsageSink(), listener])
    one_run(tap)
    tap.remove_sink(listener)
    assert listener.heard == ['attached', 'run ended', 'detached']
    one_run(tap)
    tap.close()
    assert listener.heard == ['attached', 'run ended', 'detached']


def test_a_sink_that_the_tap_does_not_have_hears_nothing(listener: Listener):
    """Removing it is no error either."""
    Tap([UsageSink()]).remove_sink(listener)
    assert listener.heard == []


def test_the_end_of_the_tap_detaches_its_sinks_once(listener: Listener):
    """Closing it again changes nothing."""
    tap = Tap([listener])
    one_run(tap)
    tap.close()
    tap.close()
    assert listener.heard == ['attached', 'run ended', 'detached']


def test_an_asynchronous_end_detaches_them_too(listener: Listener):
    """As `async with` leaves it."""

    async def main() -> None:
        async with Tap([listener]) as tap:
            await agent(['hello']).run('hi', event_stream_handler=tap)

    asyncio.run(main())
    assert listener.heard == ['attached', 'run ended', 'detached']


def test_a_tap_that_is_used_after_its_end_attaches_them_again(listener: Listener):
    """So that attached and detached always come in pairs."""
    tap = Tap([listener])
    tap.close()
    one_run(tap)
    tap.close()
    assert listener.heard == ['attached', 'detached', 'attached', 'run ended', 'detached']


def test_a_sink_that_is_behind_is_detached_all_the_same(monkeypatch: pytest.MonkeyPatch):
    """Where a full queue drops everything else."""
    released = threading.Event()

    class Behind(Listener):
        def faulted(self, fault: Fault) -> None:
            released.wait(10)

    listener = Behind()
    out = Dispatch([listener], include_content=False)
    out.attach(Attachment((), 200, Live, lambda: None))
    for _ in range(CAPACITY + 5):
        out.failed('x', ValueError())
    wait_for_all = out.flush

    def flush(timeout: float) -> bool:
        released.set()
        return wait_for_all(timeout)

    monkeypatch.setattr(out, 'flush', flush)
    out.remove(listener, 10)
    assert listener.heard == ['attached', 'detached']


def test_what_a_sink_raises_then_stays_inside(caplog: pytest.LogCaptureFixture):
    """The others are detached, and it is logged."""

    class Fails(BaseSink):
        def detached(self, attachment: Attachment) -> None:
            raise OSError('no')

    listener = Listener()
    Tap([Fails(), listener]).close()
    assert listener.heard == ['attached', 'detached']
    assert 'Fails failed with OSError' in caplog.text


def test_the_end_of_the_tap_closes_the_journal(tmp_path: Path):
    """Nothing stays open, and a record that comes later opens it again."""
    path = tmp_path / 'runs.jsonl'

    def is_open() -> bool:
        # Only one can write a journal at a time.
        try:
            Tap([JournalSink(path)])
        except OSError:
            return True
        return False

    journal = JournalSink(path)
    tap = Tap([journal])
    one_run(tap)
    assert is_open()
    tap.close()
    assert not is_open()
    one_run(tap)
    assert is_open()
    tap.remove_sink(journal)
    assert not is_open()
    assert path.read_text(encoding='utf-8').count('"record":"run"') == 2


def test_gauges_forget_a_tap_whose_sink_was_removed():
    """Its counters keep what they counted; another tap may take the sink."""
    registry = CollectorRegistry()
    sink = PrometheusSink(registry)
    first, second = Tap([sink]), Tap([UsageSink()])
    one_run(first)

    async def main() -> None:
        async def look() -> None:
            first.remove_sink(sink)
            assert b'pydantic_ai_runs_in_progress{agent="scripted"} 0.0' in generate_latest(registry)

        async def slow(*_: object) -> None:
            await look()

        await agent(['hello']).run('hi', event_stream_handler=first.beside(slow))

    asyncio.run(main())
    second.add_sink(sink)
    one_run(second)
    counted = 'pydantic_ai_runs_total{agent="scripted",door="handler",outcome="success"} 2.0'
    assert counted in generate_latest(registry).decode()
