"""The tap itself: what it refuses, how it is closed, switched off and priced."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import BaseSink, OTelSpanSink, PrometheusSink, Tap, UsageSink
from streamtap.testing import FakeClock, MemorySink, capture
from support.paths import TESTS
from support.scripted import Calls, agent

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse

    from streamtap import ResponseRecord, RunRecord


async def later(record: object) -> None:
    """What nobody awaits."""


class LaterSink(BaseSink):
    run_ended = later  # pyright: ignore[reportAssignmentType]


SHARED = MemorySink()


@pytest.mark.parametrize(
    ('arguments', 'error', 'says'),
    [
        ({'sinks': [object()]}, TypeError, r'is not a sink: it lacks run_started.*BaseSink'),
        ({'sinks': UsageSink()}, TypeError, r'must be a list: pass \[UsageSink'),
        ({'sinks': [UsageSink]}, TypeError, r'pass UsageSink\(\) instead of the class'),
        ({'sinks': [SHARED, SHARED]}, ValueError, 'the same MemorySink twice'),
        ({'enabled': 'false'}, TypeError, 'enabled must be a bool or None'),
        ({'stall_after': -1}, ValueError, 'stall_after must be above 0'),
        ({'stall_after': '5'}, TypeError, 'stall_after must be a number of seconds'),
        ({'slow_start_after': 0}, ValueError, 'slow_start_after must be above 0'),
        ({'settle_after': float('nan')}, ValueError, 'settle_after must be above 0'),
        ({'max_label_values': 0}, ValueError, 'max_label_values must be at least 1'),
        ({'max_label_values': 2.5}, TypeError, 'must be a whole number'),
        ({'labels': 'tenant'}, TypeError, r"labels=\('tenant',\)"),
        ({'labels': ['tenant id']}, ValueError, 'cannot be a Prometheus label'),
        ({'labels': ['__name']}, ValueError, 'cannot be a Prometheus label'),
        ({'labels': ['model']}, ValueError, "the label 'model' is reserved"),
        ({'labels': ['le']}, ValueError, "the label 'le' is reserved"),
        ({'labels': ['tenant', 'tenant']}, ValueError, 'must be named only once'),
        ({'labels': ['x' * 201]}, ValueError, 'has more than 200 characters'),
        ({'labels': [f'l{number}' for number in range(101)]}, ValueError, 'there can be 100 labels, not 101'),
        ({'labels': [3]}, TypeError, 'must be a string'),
        ({'price': 0.01}, TypeError, 'price must be a function'),
        ({'price': later}, TypeError, 'price must be a plain function: it is called and not awaited'),
        ({'sinks': [LaterSink()]}, TypeError, 'LaterSink.run_ended must be a plain function'),
    ],
)
def test_bad_input_is_refused_at_construction(arguments: dict[str, Any], error: type[Exception], says: str):
    """With a message that says what to pass."""
    options: dict[str, Any] = {'sinks': [], **arguments}
    with pytest.raises(error, match=says):
        Tap(**options)


def test_calling_the_tap_by_hand_says_how_to_pass_it():
    """At once, not when the result is awaited."""
    called: Any = Tap([])
    with pytest.raises(TypeError, match=r'capabilities=\[tap.capability\(\)\]'):
        asyncio.run(agent(['done'], capabilities=[called]).run('hello'))
    with pytest.raises(TypeError, match=r'event_stream_handler=tap.*\(str, list\)'):
        called('ctx', [])


def test_a_tap_without_a_ledger_says_so():
    """Rather than an empty summary."""
    with pytest.raises(LookupError, match='UsageSink'):
        _ = Tap([MemorySink()]).usage


def test_switched_off_it_does_nothing(monkeypatch: pytest.MonkeyPatch, registry: Any):
    """`STREAMTAP_DISABLED=1` makes every door a no-op: nothing measured, nothing registered, nothing streamed."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    memory = MemorySink()
    tap = Tap([memory, PrometheusSink(registry)])
    made = agent([Calls('nap')], ['done'], capabilities=[tap.capability(stream=True)])
    assert asyncio.run(made.run('hello', event_stream_handler=tap)).output == 'done'
    assert memory.moments == []
    assert list(registry.collect()) == []
    assert tap.capability(stream=True).has_wrap_run_event_stream is False


def test_a_sink_can_come_and_go():
    """It is told what happens while the tap has it, whether it blocks or not."""

    class Behind(MemorySink):
        inline = False

    for late in (MemorySink(), Behind()):
        with Tap([BaseSink()]) as tap:
            tapped = agent(['before'], ['meanwhile'], ['after'], capabilities=[tap.capability()])
            asyncio.run(tapped.run('before'))
            tap.add_sink(late)
            asyncio.run(tapped.run('meanwhile'))
            tap.flush()
            tap.remove_sink(late)
            asyncio.run(tapped.run('after'))
        assert [
            (run.outcome, response.output_tokens) for run, response in zip(late.runs, late.responses, strict=True)
        ] == [('success', 1)]
    with pytest.raises(TypeError, match='not a sink'):
        tap.add_sink(print)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match='OTelSpanSink must be there from the start'):
        tap.add_sink(OTelSpanSink())
    memory = MemorySink()
    tap.add_sink(memory)
    with pytest.raises(ValueError, match='has this MemorySink already'):
        tap.add_sink(memory)


def test_a_tap_that_is_switched_off_takes_no_sink(monkeypatch: pytest.MonkeyPatch):
    """Off is off, for those that come later too."""
    monkeypatch.setenv('STREAMTAP_DISABLED', '1')
    tap, late = Tap([BaseSink()]), MemorySink()
    tap.add_sink(late)
    asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    tap.close()
    assert late.runs == []


def test_closing_reports_runs_that_are_still_open():
    """With the outcome that is known: `incomplete`."""
    memory = MemorySink()

    async def main() -> None:
        with Tap([memory]) as tap:
            made = agent([Calls('nap', '{"seconds":30}')], capabilities=[tap.capability()])
            task = asyncio.create_task(made.run('hello'))
            await asyncio.sleep(0.05)
            assert len(tap.live().runs) == 1
            tap.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())
    assert [run.outcome for run in memory.runs] == ['incomplete']


def test_it_closes_as_an_asynchronous_context_too():
    """And hands what is queued to the sinks behind the worker."""

    class Slow(BaseSink):
        def __init__(self) -> None:
            self.runs: list[str] = []

        def run_ended(self, record: RunRecord) -> None:
            time.sleep(0.05)
            self.runs.append(record.outcome)

    sink = Slow()

    async def main() -> None:
        async with Tap([sink]) as tap:
            await agent(['done'], capabilities=[tap.capability()]).run('hello')

    asyncio.run(main())
    assert sink.runs == ['success']


@pytest.mark.usefixtures('untold')
def test_a_run_that_is_not_called_again_settles():
    """After `settle_after` seconds it is over, with its end at its last call."""
    clock = FakeClock()
    held: list[object] = []
    memory = MemorySink()
    tap = Tap([memory], settle_after=10.0, clock=clock)

    async def hold(ctx: Any, events: Any) -> None:
        held.append(ctx.tool_manager)
        await tap(ctx, events)

    async def main() -> None:
        await agent(['done']).run('hello', event_stream_handler=hold)
        assert (tap.live().runs, memory.runs) == ((), [])
        clock.advance(9.0)
        tap.live()
        assert memory.runs == []
        clock.advance(2.0)
        tap.live()
        assert [(run.outcome, run.duration) for run in memory.runs] == [('success', 0.0)]

    asyncio.run(main())


@pytest.mark.usefixtures('untold')
def test_a_run_that_goes_on_after_its_report_counts_its_requests_only():
    """It is not reported twice, and that it came back is counted."""
    clock = FakeClock()
    held: list[object] = []
    memory = MemorySink()
    tap = Tap([memory], settle_after=1.0, clock=clock)

    async def hold(ctx: Any, events: Any) -> None:
        held.append(ctx.tool_manager)
        await tap(ctx, events)
        clock.advance(5.0)
        tap.live()

    asyncio.run(agent([Calls('nap')], ['done']).run('hello', event_stream_handler=hold))
    tap.close()
    assert len(memory.runs) == 1
    assert len(memory.responses) == 2
    assert {fault.subject for fault in memory.faults} == {'reopened_runs'}


def test_runs_in_many_threads_share_one_tap():
    """Each thread has its own loop; every run is counted once."""
    with capture() as seen:

        def work() -> None:
            async def main() -> None:
                made = [agent([Calls('nap')], ['done'], capabilities=[seen.tap.capability()]) for _ in range(5)]
                await asyncio.gather(*(each.run('hello') for each in made))
                for each in [agent([Calls('nap')], ['done']) for _ in range(5)]:
                    await each.run('hello', event_stream_handler=seen.tap)

            asyncio.run(main())

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        gc.collect()
        assert [run.outcome for run in seen.runs()] == ['success'] * 40
        assert (len(seen.responses()), len(seen.tools())) == (80, 40)
        assert seen.faults() == []


def test_the_users_own_price_comes_first():
    """It sees the record, its tokens and its labels; None leaves the price to pydantic-ai."""

    def price(record: ResponseRecord, response: ModelResponse) -> float | None:
        return 0.5 if record.labels['tenant'] == 'acme' else None

    with capture(price=price, labels=('tenant',)) as seen:
        made = [agent(['done'], capabilities=[seen.tap.capability()]) for _ in range(2)]
        asyncio.run(made[0].run('hello', metadata={'tenant': 'acme'}))
        asyncio.run(made[1].run('hello', metadata={'tenant': 'other'}))
        assert [run.cost_usd for run in seen.runs()] == [0.5, None]
        assert [response.cost_source for response in seen.responses()] == ['price', None]
        assert seen.tap.usage.summary().total.unpriced_responses == 1


def of_one(record: object) -> float:
    """A price as it was before it was given the response."""
    return 0.5


def of_three(record: object, response: object, more: object) -> float:
    """A price that asks for more than there is."""
    return 0.5


@pytest.mark.parametrize(
    ('price', 'why'),
    [
        (0.5, 'price must be a function of a ResponseRecord and a ModelResponse that returns US dollars or None'),
        (of_one, 'price must be a function of a ResponseRecord and a ModelResponse.*too many positional'),
        (of_three, "price must be a function of .*missing a required argument: 'more'"),
    ],
)
def test_a_price_that_cannot_be_called_with_a_record_and_a_response_is_refused(price: Any, why: str):
    """When the tap is made, not when the first response is priced."""
    with pytest.raises(TypeError, match=why):
        Tap(price=price)


@pytest.mark.parametrize('nonsense', ['free', -1, float('nan'), RuntimeError('no price')])
def test_a_price_function_that_fails_is_counted_and_the_response_unpriced(nonsense: Any):
    """Never priced with 0."""

    def price(record: ResponseRecord, response: object) -> float | None:
        if isinstance(nonsense, Exception):
            raise nonsense
        return nonsense

    with capture(price=price) as seen:
        asyncio.run(agent(['done'], capabilities=[seen.tap.capability()]).run('hello'))
        assert [run.cost_usd for run in seen.runs()] == [None]
        assert [(fault.kind, fault.subject) for fault in seen.faults()] == [('error', 'price')]


def test_a_run_open_at_the_interpreters_exit_is_reported(tmp_path: Any):
    """The process ends, the report is still written."""
    program = """
import asyncio
from support.scripted import agent, Calls
from streamtap import BaseSink, Tap

class Says(BaseSink):
    def run_ended(self, record):
        print(record.agent, record.outcome)

tap = Tap([Says()])
held = []

async def hold(ctx, events):
    held.append(ctx.tool_manager)
    await tap(ctx, events)

loop = asyncio.new_event_loop()
task = loop.create_task(agent(['done'], name='last').run('hello', event_stream_handler=hold))
while not held:
    loop.run_until_complete(asyncio.sleep(0))
"""
    path = os.pathsep.join([str(TESTS), *sys.path])
    done = subprocess.run(
        [sys.executable, '-c', program],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stdout.strip() in ('last incomplete', 'last success'), done.stderr
