"""What fails in the tap or its sinks stays there: the run never notices."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic_ai import RunContext
from pydantic_ai.messages import PartDeltaEvent
from pydantic_ai.models.test import TestModel
from pydantic_ai.usage import RunUsage
from scripted import Calls, agent

from streamtap import BaseSink, Tap
from streamtap._dispatch import Dispatch
from streamtap._worker import CAPACITY
from streamtap.testing import MemorySink, capture

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

METHODS = ('run_started', 'run_ended', 'response_started', 'response_ended', 'tool_started', 'tool_ended', 'faulted')


def raising(*, inline: bool) -> BaseSink:
    """A sink that raises in every method."""

    def fail(_self: object, _fact: object) -> None:
        raise RuntimeError('a secret that must not be logged')

    made: type[BaseSink] = type('Raising', (BaseSink,), {**dict.fromkeys(METHODS, fail), 'inline': inline})
    return made()


async def told(tap: Tap | None, door: str) -> tuple[list[str], Any]:
    """The events that a consumer sees, and the run's result."""
    events: list[str] = []

    async def watch(ctx: Any, stream: Any) -> None:
        async for event in stream:
            shown = event.delta.content_delta if isinstance(event, PartDeltaEvent) else ''  # type: ignore[union-attr]
            events.append(f'{event.event_kind} {shown}')

    capabilities = [tap.capability()] if tap is not None and door == 'capability' else []
    made = agent(['so ', 'far', Calls('nap'), Calls('invented', id='b')], ['do', 'ne'], capabilities=capabilities)
    if tap is not None and door == 'handler':
        result = await made.run('hello', event_stream_handler=tap)
    else:
        result = await made.run('hello', event_stream_handler=watch)
    shape = [(message.kind, [part.part_kind for part in message.parts]) for message in result.all_messages()]
    return events, (result.output, result.usage, shape)


@pytest.mark.parametrize('inline', [True, False], ids=['inline', 'behind the worker'])
@pytest.mark.parametrize('door', ['handler', 'capability'])
def test_a_sink_that_raises_changes_nothing(door: str, inline: bool, caplog: pytest.LogCaptureFixture):  # noqa: FBT001
    """Same events, same result; each kind of failure is logged once and each failure counted."""
    memory = MemorySink()
    tap = Tap([raising(inline=inline), memory])
    untapped = asyncio.run(told(None, door))
    tapped = asyncio.run(told(tap, door))
    again = asyncio.run(told(tap, door))
    tap.close()
    assert tapped[1] == untapped[1] == again[1]
    if door == 'capability':
        assert tapped[0] == untapped[0]
    assert len([line for line in caplog.messages if 'Raising failed with RuntimeError' in line]) == 1
    assert 'secret' not in caplog.text
    assert {fault.where for fault in memory.faults} == {'Raising'}
    assert len(memory.faults) == len(memory.moments)


def test_a_sink_that_hangs_delays_no_run():
    """It has its own thread and a bounded queue."""
    hold = threading.Event()

    class Hangs(BaseSink):
        def run_started(self, start: object) -> None:
            hold.wait(20)

    memory = MemorySink()
    tap = Tap([Hangs(), memory])
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    assert [run.outcome for run in memory.runs] == ['success']
    hold.set()
    tap.close()


def test_what_does_not_fit_into_the_queue_is_dropped_and_counted():
    """Memory stays bounded behind a sink that does not keep up."""
    hold = threading.Event()

    class Hangs(BaseSink):
        def run_started(self, start: object) -> None:
            hold.wait(20)

    memory = MemorySink()
    out = Dispatch([Hangs(), memory], include_content=False)
    for _ in range(CAPACITY + 50):
        out.run_started(None)  # pyright: ignore[reportArgumentType]
    dropped = sum(fault.count for fault in memory.faults if (fault.what, fault.where) == ('dropped', 'records'))
    assert dropped in (49, 50)
    hold.set()
    out.close(5.0)


def test_a_logging_handler_that_raises_is_no_problem_of_the_run():
    """Even the report of a failure may fail."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError('no disk')

    logger = logging.getLogger('streamtap')
    handler = Broken()
    logger.addHandler(handler)
    try:
        with Tap([raising(inline=True)]) as tap:
            assert asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello')).output == 'done'
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize('door', ['handler', 'capability'])
@pytest.mark.parametrize('broken', ['who', 'feed_response', 'messages_of', 'asked_model', 'tool_call', 'tool_result'])
def test_a_failure_of_the_taps_own_code_stays_inside(door: str, broken: str, monkeypatch: pytest.MonkeyPatch):
    """Whatever pydantic-ai changes under it, the run goes on, and the failure is counted."""

    def fail(*_: object, **__: object) -> None:
        raise TypeError('the shape of things changed')

    monkeypatch.setattr(f'streamtap._upstream.{broken}', fail)
    with capture() as seen:
        events, (output, _, _) = asyncio.run(told(seen.tap, door))
        assert output == 'done'
        if door == 'capability':
            assert len(events) > 5
        used = not (door == 'capability' and broken == 'tool_call')
        assert bool([fault for fault in seen.faults if fault.where == door]) is used


def test_metadata_that_fails_to_become_text_costs_only_its_own_label():
    """That value is `_unknown`; the other values, and the run, are measured."""

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError('no')

    with capture(labels=('tenant', 'tier')) as seen:
        made = agent(['done'], capabilities=[seen.tap.capability()])
        asyncio.run(made.run('hello', metadata={'tenant': Unprintable(), 'tier': 'x' * 10_000_000}))
        assert [run.labels for run in seen.runs] == [{'tenant': '_unknown', 'tier': 'x' * 200}]
        assert seen.faults == []


@pytest.mark.parametrize('door', ['handler', 'capability', 'watch'])
def test_names_that_nobody_could_export_are_made_fit(door: str):
    """A lone surrogate breaks OTLP and JSON, and ten million characters everything: records have neither."""
    hostile = '\ud800' + 'x' * 300
    fit = '?' + 'x' * 199

    async def run(tap: Tap) -> None:
        made = agent(['done', Calls(hostile, id=hostile)], ['done'], name=hostile)
        if door == 'watch':
            async with made.run_stream_events('hello') as events:
                async for _ in tap.watch(events):
                    pass
        elif door == 'handler':
            await made.run('hello', event_stream_handler=tap)
        else:
            await made.run('hello', capabilities=[tap.capability()])

    with capture() as seen:
        asyncio.run(run(seen.tap))
        assert [run.agent for run in seen.runs] == [fit]
        assert [tool.tool_call_id for tool in seen.tools] == [fit]
        assert seen.faults == []


@pytest.mark.parametrize('door', ['handler', 'watch'])
def test_events_that_cannot_be_looked_at_are_passed_on(door: str):
    """A proxy that raises for every attribute it lacks is read like any other stream."""

    class Proxy:
        async def __aiter__(self) -> Any:
            yield 'an event'

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError('outside its context')

    async def read(tap: Tap) -> list[object]:
        if door == 'watch':
            return [event async for event in tap.watch(cast('AsyncIterable[object]', Proxy()))]
        ctx: Any = RunContext(deps=None, model=TestModel(), usage=RunUsage(), run_id='r')
        for _ in range(2):
            await tap(ctx, cast('Any', Proxy()))
        return ['an event']

    with capture() as seen:
        assert asyncio.run(read(seen.tap)) == ['an event']
