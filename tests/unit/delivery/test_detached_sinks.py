"""A sink hears when it is attached to a tap and when it is detached from it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
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
    attachment = Attachment((), 200, Live, lambda: None)
    out.attach(attachment)
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
    counted = 'pydantic_ai_runs_total{agent="scripted",door="handler",nested="false",outcome="success"} 2.0'
    assert counted in generate_latest(registry).decode()


def test_a_run_that_ends_while_the_tap_closes_is_counted():
    """Sinks that were detached already are attached again for it."""
    inside, go_on = threading.Event(), threading.Event()

    class Slow(InlineListener):
        def detached(self, attachment: Attachment) -> None:
            super().detached(attachment)
            inside.set()
            go_on.wait(10)

    registry = CollectorRegistry()
    tap = Tap([PrometheusSink(registry), Slow()])
    closing = threading.Thread(target=tap.close)
    closing.start()
    inside.wait(10)
    running = threading.Thread(target=one_run, args=(tap,))
    running.start()
    go_on.set()
    running.join()
    closing.join()
    counted = 'pydantic_ai_runs_total{agent="scripted",door="handler",nested="false",outcome="success"} 1.0'
    assert counted in generate_latest(registry).decode()


def test_a_worker_sink_is_attached_again_in_its_turn():
    """Not in the agent's own task, which it may block, and not before it heard that it was detached."""
    threads: list[tuple[str, str]] = []

    class Where(Listener):
        def attached(self, attachment: Attachment) -> None:
            threads.append(('attached', threading.current_thread().name))

        def detached(self, attachment: Attachment) -> None:
            threads.append(('detached', threading.current_thread().name))

    tap = Tap([Where()])
    tap.close()
    one_run(tap)
    tap.close()
    here = threading.current_thread().name
    on_worker = [('detached', 'streamtap'), ('attached', 'streamtap'), ('detached', 'streamtap')]
    assert threads == [('attached', here), *on_worker]


def test_a_sink_that_joins_a_closed_tap_is_attached_once(listener: Listener):
    """The others are attached again with it."""
    other = InlineListener()
    tap = Tap([other])
    tap.close()
    tap.add_sink(listener)
    one_run(tap)
    tap.close()
    assert listener.heard == ['attached', 'run ended', 'detached']
    assert other.heard == ['attached', 'detached', 'attached', 'run ended', 'detached']


def test_an_inline_sink_is_removed_without_waiting_for_others():
    """One that hangs on the worker thread keeps nobody."""
    hang = threading.Event()
    behind, listener = Listener(), InlineListener()
    behind.first = lambda: hang.wait(10)
    tap = Tap([behind, listener])
    asyncio.run(agent(['hello']).run('hi', capabilities=[tap.capability()]))
    tap.remove_sink(listener)
    assert (listener.heard, behind.heard) == (['attached', 'run ended', 'detached'], ['attached'])
    hang.set()
    tap.close()


def test_a_tap_that_is_off_detaches_nobody(listener: Listener):
    """It attached nobody."""
    tap = Tap([listener], enabled=False)
    tap.remove_sink(listener)
    tap.close()
    assert listener.heard == []


def test_a_tap_that_is_dropped_goes_with_its_sinks_thread_still_there():
    """The worker thread does not keep it."""
    tap = Tap([Listener()])
    one_run(tap)
    held = weakref.ref(tap)
    del tap
    gc.collect()
    assert held() is None


def test_the_caps_of_the_ledger_outlast_the_end_of_the_tap():
    """A tap that is closed and used again and again keeps no more names than one that is not."""
    usage = UsageSink()
    tap = Tap([usage], labels=('tenant',), max_label_values=2)
    for number in range(5):
        with tap:
            asyncio.run(agent(['hello']).run('hi', event_stream_handler=tap, metadata={'tenant': str(number)}))
    assert [each.value for each in usage.summary().labels] == ['0', '1', '_other']
