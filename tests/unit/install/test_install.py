"""`install()` and `uninstall()`: every agent of the process, however it is run, counted once."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic_ai import Agent
from pydantic_ai.agent import WrapperAgent

import streamtap
from streamtap import OTelSpanSink, PrometheusSink, Tap
from streamtap._install.process import PROCESS
from streamtap.testing import MemorySink, capture
from support.endings import ag_ui
from support.installed import as_before, installed, own_tap
from support.pydantic_ai_features import has
from support.scripted import Calls, agent, model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry

    from streamtap.testing import Capture


@pytest.fixture
def seen() -> Iterator[Capture]:
    with capture() as found:
        yield found
        assert found.faults() == []


def scripted(**options: Any) -> Agent[Any, Any]:
    return agent([Calls('nap', '{"seconds": 0}')], ['do', 'ne'], **options)


async def run_stream(made: Any) -> None:
    async with made.run_stream('hello') as result:
        await result.get_output()


def run_stream_sync(made: Any) -> None:
    list(made.run_stream_sync('hello').stream_text())


async def run_stream_events(made: Any) -> None:
    async with made.run_stream_events('hello') as events:
        _ = [event async for event in events]


async def iterate(made: Any) -> None:
    async with made.iter('hello') as run:
        _ = [node async for node in run]


async def adapter(made: Any) -> None:
    served = ag_ui(made)
    _ = [line async for line in served.encode_stream(served.run_stream())]


async def overridden(made: Any) -> None:
    with made.override(model=model([Calls('nap', '{"seconds": 0}')], ['done'])):
        await made.run('hello')


WAYS: dict[str, Callable[[Any], Any]] = {
    'run': lambda made: made.run('hello'),
    'run_sync': lambda made: made.run_sync('hello'),
    'run_stream': run_stream,
    'run_stream_sync': run_stream_sync,
    'run_stream_events': run_stream_events,
    'iter': iterate,
    'adapter': adapter,
    'override': overridden,
    'wrapper': lambda made: WrapperAgent(made).run('hello'),
    'wrapped wrapper': lambda made: WrapperAgent(WrapperAgent(made)).run('hello'),
    'stream of a wrapper': lambda made: run_stream(WrapperAgent(made)),
    'its own capability': lambda made: made.run('hello', capabilities=(_Idle(),)),
}


class _Idle(streamtap.TapCapability):
    def __init__(self) -> None:
        super().__init__(None, stream=False, tap=None)


def drive(way: str, made: Agent[Any, Any]) -> None:
    """Run an agent, in a loop of its own if need be."""
    running = WAYS[way](made)
    if inspect.iscoroutine(running):
        asyncio.run(running)


def counted(seen: Capture) -> list[tuple[str, str, int, int]]:
    return [(run.agent, run.outcome, run.requests, run.tool_calls) for run in seen.runs()]


ONCE = [('scripted', 'success', 2, 1)]


@pytest.mark.usefixtures('event_loop_of_the_thread')
@pytest.mark.parametrize('way', WAYS)
def test_every_run_of_every_agent_is_counted_once(way: str, seen: Capture):
    """Of one that was made before, of one that was made after, and of one that has the same tap of its own."""
    if way == 'adapter':
        pytest.importorskip('ag_ui')
    before = scripted()
    with installed(seen.tap):
        drive(way, before)
        drive(way, scripted())
        drive(way, scripted(capabilities=[seen.tap.capability()]))
    assert counted(seen) == ONCE * 3
    drive(way, scripted())
    assert counted(seen) == ONCE * 3


def test_a_run_with_the_taps_handler_is_counted_once(seen: Capture):
    """By the capability, which knows more."""
    with installed(seen.tap):
        asyncio.run(scripted().run('hello', event_stream_handler=seen.tap))
    assert counted(seen) == ONCE
    assert [run.door for run in seen.runs()] == ['capability']


def test_watched_events_are_those_of_a_run_that_is_counted(seen: Capture):
    """And counted once."""

    async def main() -> None:
        async with scripted().run_stream_events('hello') as events:
            _ = [event async for event in seen.tap.watch(events)]

    with installed(seen.tap):
        asyncio.run(main())
    assert counted(seen) == ONCE


def test_a_second_tap_on_the_same_places_counts_nothing_twice(registry: CollectorRegistry):
    """One registry, one tracer provider: the run, its tokens and its spans are there once."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    process, own = (Tap([PrometheusSink(registry), OTelSpanSink(provider)]) for _ in range(2))
    with installed(process):
        asyncio.run(scripted(capabilities=[own.capability()]).run('hello'))
        asyncio.run(scripted(capabilities=[own.capability()]).run('hello', event_stream_handler=own))
    process.close()
    own.close()
    labels = {'agent': 'scripted', 'outcome': 'success', 'nested': 'false', 'door': 'capability'}
    assert registry.get_sample_value('pydantic_ai_runs_total', labels) == 2
    labels = {'agent': 'scripted', 'provider': 'function', 'model': 'scripted'}
    # The scripted model counts its words differently when it streams.
    assert registry.get_sample_value('pydantic_ai_output_tokens_total', labels) == 10 + 5
    names = [span.name for span in spans.get_finished_spans() if not span.name.startswith(('text', 'tool'))]
    assert sorted(names) == sorted(['chat scripted', 'execute_tool nap', 'chat scripted', 'invoke_agent scripted'] * 2)


def test_it_streams_only_if_it_was_asked_to(seen: Capture):
    """Then plain runs have a time to first token; a later call may ask for it too."""
    with installed(seen.tap):
        asyncio.run(scripted().run('hello'))
        assert streamtap.install(stream=True) is seen.tap
        asyncio.run(scripted().run('hello'))
        streamtap.install()
        asyncio.run(scripted().run('hello'))
    assert [response.streamed for response in seen.responses()] == [False, False, True, True, True, True]


def test_a_second_call_gets_the_tap_that_is_installed(seen: Capture):
    """Without a tap, or with the same one."""
    with installed(seen.tap):
        assert streamtap.install() is seen.tap
        assert streamtap.install(seen.tap) is seen.tap
        asyncio.run(scripted().run('hello'))
    assert counted(seen) == ONCE


def test_another_tap_is_refused(seen: Capture):
    """With what to do instead; the installed one stays."""
    other = MemorySink()
    with installed(seen.tap):
        with pytest.raises(RuntimeError, match=r'another tap is installed: .*add_sink.*uninstall\(\) first'):
            streamtap.install(Tap([other]))
        asyncio.run(scripted().run('hello'))
    assert (counted(seen), other.runs) == (ONCE, [])


@pytest.mark.parametrize('wrong', [MemorySink(), 'tap', Tap])
def test_what_is_no_tap_is_refused(wrong: Any):
    """By what it is."""
    with as_before(), pytest.raises(TypeError, match='takes a tap, not'):
        streamtap.install(wrong)


def test_without_a_tap_one_is_made_once(monkeypatch: pytest.MonkeyPatch):
    """The same one after it was taken out and installed again; it is not closed in between."""
    monkeypatch.setattr(Tap, '__init__', functools.partialmethod(Tap.__init__, [MemorySink()]))
    own_tap(monkeypatch, None)
    with installed() as first:
        streamtap.uninstall()
        assert streamtap.install() is first
        asyncio.run(scripted().run('hello'))
        first.flush()
        assert [run.agent for sink in first.sinks if isinstance(sink, MemorySink) for run in sink.runs] == ['scripted']
    first.close()


def plainly(_: object) -> Callable[[object], object]:
    """A decorator that keeps nothing of what it wraps."""
    return lambda wrapper: wrapper


def test_uninstalling_twice_or_before_is_no_error():
    """There is nothing to do."""
    with as_before():
        streamtap.uninstall()
        streamtap.uninstall()


def test_a_run_that_has_begun_is_measured_to_its_end(seen: Capture):
    """Whatever is uninstalled meanwhile."""

    async def main() -> None:
        with installed(seen.tap):
            run = scripted().iter('hello')
            opened = await run.__aenter__()
        _ = [node async for node in opened]
        await run.__aexit__(None, None, None)

    asyncio.run(main())
    assert counted(seen) == ONCE


@pytest.mark.parametrize('keeps', [functools.wraps, plainly])
def test_somebody_elses_wrapper_stays(keeps: Any, seen: Capture, monkeypatch: pytest.MonkeyPatch):
    """Ours below it then only passes calls on, and a tap that is installed again counts once."""
    calls: list[str] = []
    with capture() as later, as_before():
        untouched = vars(Agent)['iter']
        streamtap.install(seen.tap)
        ours = vars(Agent)['iter']

        @keeps(ours)
        def theirs(*args: Any, **options: Any) -> Any:
            calls.append('theirs')
            return ours(*args, **options)

        monkeypatch.setattr(Agent, 'iter', theirs)
        assert streamtap.install() is seen.tap
        asyncio.run(scripted().run('hello'))
        streamtap.uninstall()
        assert vars(Agent)['iter'] is theirs
        asyncio.run(scripted().run('hello'))
        streamtap.install(later.tap)
        asyncio.run(scripted().run('hello'))
        streamtap.uninstall()
        monkeypatch.undo()
        Agent.iter = untouched
    assert (counted(seen), counted(later), calls) == (ONCE, ONCE, ['theirs'] * 3)


def test_nothing_shows_to_code_that_looks_at_the_agent(seen: Capture):
    """Neither a signature nor a docstring, nor what the agent says of itself."""
    made = scripted()

    def shown() -> list[object]:
        looks = [
            (name, inspect.signature(method), inspect.getdoc(method), method.__module__, method.__qualname__)
            for name, method in inspect.getmembers(Agent, inspect.isfunction)
        ]
        public = [name for name in dir(made) if not name.startswith('_')]
        return [looks, inspect.getsource(Agent.iter), public, repr(made), made.toolsets, made.root_capability]

    before = shown()
    with installed(seen.tap):
        assert shown() == before


def test_an_agent_infers_its_name_as_ever(seen: Capture):
    """From the variable that it is in."""

    async def main() -> list[str | None]:
        greeter, reader, looper = (scripted(name=None) for _ in range(3))
        await greeter.run('hello')
        async with reader.run_stream('hello') as result:
            await result.get_output()
        async with looper.iter('hello') as run:
            _ = [node async for node in run]
        return [greeter.name, reader.name, looper.name]

    expected = asyncio.run(main())
    with installed(seen.tap):
        assert asyncio.run(main()) == expected
    assert expected[0] == 'greeter'


@pytest.mark.parametrize('wrong', [{'nonsense': True}, {'capabilities': 3}])
def test_what_pydantic_ai_refuses_it_still_refuses(wrong: Any, seen: Capture):
    """With its own error."""

    async def refused() -> str:
        with pytest.raises(TypeError) as raised:
            async with scripted().iter('hello', **wrong):
                pass
        return str(raised.value)

    expected = asyncio.run(refused())
    with installed(seen.tap):
        assert asyncio.run(refused()) == expected
    assert seen.runs() == []


def test_threads_that_install_at_once_get_one_tap(monkeypatch: pytest.MonkeyPatch):
    """And agents that they run are counted once each."""
    monkeypatch.setattr(Tap, '__init__', functools.partialmethod(Tap.__init__, [MemorySink()]))
    own_tap(monkeypatch, None)
    together = threading.Barrier(8)

    def work(_: int) -> Tap:
        together.wait(10)
        tap = streamtap.install()
        asyncio.run(scripted().run('hello'))
        return tap

    with as_before(), ThreadPoolExecutor(8) as threads:
        taps = set(threads.map(work, range(8)))
    (tap,) = taps
    tap.close()
    assert [len(sink.runs) for sink in tap.sinks if isinstance(sink, MemorySink)] == [8]


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this platform does not fork')
def test_a_forked_worker_has_the_tap_too(seen: Capture):
    """Also if another thread held the lock when it was forked."""
    with installed(seen.tap):
        PROCESS.lock.acquire()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                worker = threading.Thread(target=lambda: asyncio.run(scripted().run('hello')))
                worker.start()
                worker.join(20)
                worker = threading.Thread(target=streamtap.install)
                worker.start()
                worker.join(20)
                status = 0 if counted(seen) == ONCE and not worker.is_alive() else 2
            finally:
                os._exit(status)
        PROCESS.lock.release()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert seen.runs() == []


def test_switched_off_it_does_nothing(monkeypatch: pytest.MonkeyPatch):
    """Not even to pydantic-ai's methods; a tap that is off is not in the way of another."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    own_tap(monkeypatch, None)
    with as_before():
        untouched = vars(Agent)['iter']
        tap = streamtap.install()
        assert not tap.enabled
        assert vars(Agent)['iter'] is untouched
        with capture() as seen:
            assert streamtap.install(seen.tap) is seen.tap
            asyncio.run(scripted().run('hello'))
            assert counted(seen) == ONCE


def test_a_capability_that_cannot_be_had_is_logged_once(seen: Capture, caplog: pytest.LogCaptureFixture):
    """And the run is as it would be without."""

    class Broken(type(seen.tap)):
        def capability(self, *, stream: bool = False, agent: str | None = None) -> Any:
            raise LookupError('secret')

    with installed(Broken([MemorySink()])):
        for _ in range(2):
            assert asyncio.run(scripted().run('hello')).output == 'done'
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith('streamtap: a run is not measured, because of LookupError at ')
    assert 'secret' not in caplog.text


def test_a_release_without_realtime_sessions_has_the_other_seam(seen: Capture, monkeypatch: pytest.MonkeyPatch):
    """As pydantic-ai 2.26."""
    monkeypatch.delattr(Agent, '_open_realtime_session', raising=has('realtime_sessions'))
    with installed(seen.tap):
        asyncio.run(scripted().run('hello'))
    assert counted(seen) == ONCE
