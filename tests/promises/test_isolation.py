"""What fails in the tap, or in what it calls of others, stays there: the run is as it is without the tap."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import prometheus_client
import pytest

from streamtap import BaseSink, PrometheusSink, Tap, UsageSink
from streamtap._delivery.dispatch import Dispatch
from streamtap._delivery.sink import MOMENTS
from streamtap._delivery.worker import CAPACITY
from streamtap.testing import MemorySink, capture
from support.callers_view import STORIES, WAYS, logged, seen_by_caller, tapped, untapped
from support.installed import installed
from support.scripted import agent

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from streamtap import ResponseRecord


pytestmark = pytest.mark.usefixtures('nothing_old_is_collected')


# Sinks


def failing(moment: str, *, inline: bool) -> BaseSink:
    """A sink that fails in one of its methods."""

    def fail(_self: object, _fact: object) -> None:
        raise RAISED[moment]('a secret that must not be logged')

    made: type[BaseSink] = type(f'Fails in {moment}', (BaseSink,), {moment: fail, 'inline': inline})
    return made()


class Abort(BaseException):
    """What no `except Exception` catches."""


RAISED: dict[str, type[BaseException]] = {
    'run_started': RuntimeError,
    'run_ended': asyncio.CancelledError,
    'response_started': GeneratorExit,
    'response_ended': StopAsyncIteration,
    'tool_started': Abort,
    'tool_ended': OSError,
    'faulted': RecursionError,
}


@pytest.mark.parametrize('inline', [True, False], ids=['inline', 'behind the worker'])
@pytest.mark.parametrize('story', STORIES)
@pytest.mark.parametrize('way', WAYS)
def test_a_sink_that_raises_is_counted_each_time_and_logged_once(
    way: str,
    story: str,
    inline: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
):
    """In whichever method, and whatever it raises; the sinks after it are told everything."""
    memory = MemorySink()
    tap = Tap([*(failing(moment, inline=inline) for moment in RAISED), memory])
    assert tapped(way, story, tap) == untapped(way, story)
    moments = Counter(f'Fails in {moment}' for moment, _ in memory.moments)
    assert Counter(fault.subject for fault in memory.faults) == moments
    kinds = [
        f'streamtap: Fails in {moment} failed with {raised.__name__}'
        for moment, raised in RAISED.items()
        if f'Fails in {moment}' in moments
    ]
    assert logged(caplog) == sorted(kinds)
    assert 'secret' not in caplog.text


@pytest.mark.parametrize('story', STORIES)
@pytest.mark.parametrize('way', ['handler', 'unstreamed', 'watched events', 'watched nodes'])
def test_a_tap_that_is_installed_changes_nothing_that_the_caller_sees(way: str, story: str):
    """Whose code says nothing of it; nested runs are measured, too."""
    memory, expected = MemorySink(), untapped(way, story)
    with installed(Tap([memory])) as tap:
        assert asyncio.run(seen_by_caller(way, story, None)) == expected
    tap.close()
    assert [run.agent for run in memory.runs] == ['inner', 'scripted'][story != 'answers' :]
    assert memory.faults == []


@pytest.mark.parametrize('way', WAYS)
def test_what_a_sink_returns_is_of_no_interest(way: str):
    """Nonsense included."""
    memory = MemorySink()

    def nonsense(_self: object, _fact: object) -> object:
        return object()

    sink: type[BaseSink] = type('Nonsense', (BaseSink,), {**dict.fromkeys(RAISED, nonsense), 'inline': True})
    assert tapped(way, 'answers', Tap([sink(), memory])) == untapped(way, 'answers')
    assert memory.faults == []


def hanging(moment: str, hold: threading.Event) -> BaseSink:
    """A sink that hangs in one of its methods until it is let go, and fails if nobody does."""

    def hang(_self: object, _fact: object) -> None:
        if not hold.wait(20):
            raise TimeoutError

    made: type[BaseSink] = type('Hangs', (BaseSink,), {moment: hang})
    return made()


@pytest.mark.parametrize('moment', MOMENTS)
@pytest.mark.parametrize('way', WAYS)
def test_a_sink_that_hangs_delays_no_run(way: str, moment: str):
    """It has its own thread and a bounded queue: the run is over while it still hangs."""
    hold, memory = threading.Event(), MemorySink()
    tap = Tap([hanging(moment, hold), memory])
    assert asyncio.run(seen_by_caller(way, 'answers', tap)) == untapped(way, 'answers')
    hold.set()
    tap.close()
    assert memory.faults == []


def test_a_sink_that_hangs_does_not_keep_the_tap_from_closing(monkeypatch: pytest.MonkeyPatch):
    """It is left behind, on its daemon thread."""
    monkeypatch.setattr('streamtap._tap.FLUSH_SECONDS', 0.05)
    hold, memory = threading.Event(), MemorySink()
    tap = Tap([hanging('run_started', hold), memory])
    asyncio.run(seen_by_caller('capability', 'answers', tap))
    tap.flush()
    tap.close()
    hold.set()
    assert memory.faults == []


def test_what_does_not_fit_into_the_queue_is_dropped_and_counted():
    """Memory stays bounded behind a sink that does not keep up."""
    hold, memory = threading.Event(), MemorySink()
    out = Dispatch([hanging('run_started', hold), memory], include_content=False)
    for _ in range(CAPACITY + 50):
        out.run_started(None)  # pyright: ignore[reportArgumentType]
    dropped = sum(fault.count for fault in memory.faults if (fault.kind, fault.subject) == ('dropped', 'records'))
    assert dropped in (49, 50)
    hold.set()
    out.close(5.0)


@pytest.mark.parametrize('inline', [True, False], ids=['inline', 'behind the worker'])
@pytest.mark.parametrize('call', ['live', 'flush', 'close', 'usage'])
def test_a_sink_may_call_the_tap(call: str, inline: bool):  # noqa: FBT001
    """At any moment, also one that asks it to close: nobody waits for himself, and the run goes on."""
    memory = MemorySink()

    def back(_self: object, _fact: object) -> None:
        found = getattr(tap, call)
        if callable(found):
            found()

    sink: type[BaseSink] = type('CallsBack', (BaseSink,), {**dict.fromkeys(MOMENTS, back), 'inline': inline})
    tap = Tap([sink(), memory, UsageSink()])
    for way in WAYS:
        assert asyncio.run(seen_by_caller(way, 'answers', tap)) == untapped(way, 'answers')
    tap.close()
    # A run that goes on after the tap was closed is counted.
    assert {(fault.kind, fault.subject) for fault in memory.faults} <= {('dropped', 'reopened_runs')}


# Callbacks


class Unprintable:
    """What cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError('a secret that must not be logged')

    __str__ = __repr__


def priced(answer: object) -> Any:
    """A price function that gives, or raises, that."""

    def price(record: ResponseRecord, response: object) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    return price


@pytest.mark.parametrize(
    ('answer', 'kind'),
    [
        (KeyError('a secret'), 'KeyError'),
        (asyncio.CancelledError('a secret'), 'CancelledError'),
        (Abort('a secret'), 'Abort'),
        ('free, a secret', 'ValueError'),
        (-0.01, 'ValueError'),
        (float('inf'), 'ValueError'),
        (object(), 'ValueError'),
        (Unprintable(), 'ValueError'),
    ],
)
@pytest.mark.parametrize('way', WAYS)
def test_a_price_function_that_fails_is_counted_and_logged_once(
    way: str, answer: object, kind: str, caplog: pytest.LogCaptureFixture
):
    """Whatever it raises or returns; the response is unpriced."""
    memory = MemorySink()
    tap = Tap([memory], price=priced(answer))
    assert tapped(way, 'answers', tap) == untapped(way, 'answers')
    assert [fault.subject for fault in memory.faults] == ['price'] * len(memory.responses)
    assert {response.cost_usd for response in memory.responses} == {None}
    assert logged(caplog) == [f'streamtap: price failed with {kind}']
    assert 'secret' not in caplog.text


# The process around


class BrokenHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError('no disk')


class BrokenFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        raise RuntimeError('no disk')


@pytest.mark.parametrize(('kind', 'broken'), [('handlers', BrokenHandler()), ('filters', BrokenFilter())])
@pytest.mark.parametrize('way', [*WAYS, 'run_stream'])
def test_logging_that_raises_is_no_problem_of_the_run(
    way: str, kind: str, broken: object, monkeypatch: pytest.MonkeyPatch
):
    """Even the report of a failure may fail."""
    monkeypatch.setattr(logging.getLogger('streamtap'), kind, [broken])
    if way == 'run_stream':
        # It has the handler say what it cannot see.
        with capture() as seen:
            assert asyncio.run(run_stream(seen.tap)) == 'done'
            assert seen.faults() == []
        return
    memory = MemorySink()
    tap = Tap([failing('run_started', inline=True), memory])
    assert tapped(way, 'answers', tap) == untapped(way, 'answers')
    assert {fault.subject for fault in memory.faults} == {'Fails in run_started'}


async def run_stream(tap: Tap) -> str:
    """The output of a run that is streamed to its end."""
    async with agent(['done']).run_stream('hello', event_stream_handler=tap) as response:
        return await response.get_output()


@pytest.mark.parametrize('way', WAYS)
def test_a_prometheus_client_that_fails_is_counted(
    way: str, registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Its multiprocess mode writes files, and a disk may be full."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, 'no space left on device')

    memory = MemorySink()
    tap = Tap([PrometheusSink(registry), memory])
    monkeypatch.setattr(prometheus_client.Counter, 'inc', full)
    monkeypatch.setattr(prometheus_client.Histogram, 'observe', full)
    assert tapped(way, 'answers', tap) == untapped(way, 'answers')
    # What is told at a start only declares; the records count.
    assert {fault.subject for fault in memory.faults} == {'PrometheusSink'}
    assert len(memory.faults) == len(memory.runs) + len(memory.responses) + len(memory.tools)
    assert logged(caplog) == ['streamtap: PrometheusSink failed with OSError']
