"""Corners that a review found, each at the handler and at the capability where both can know."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic_ai import CustomEvent, DeferredToolResults, ModelRetry, RunContext, ToolApproved
from pydantic_ai.capabilities import AbstractCapability, HandleDeferredToolCalls
from pydantic_ai.exceptions import SkipToolExecution

from streamtap import BaseSink, PrometheusSink, Tap
from streamtap.testing import FakeClock, MemorySink, capture
from support.doors import HANDLER_AND_CAPABILITY
from support.real_time import REAL_TIME
from support.scripted import Calls, agent, nap

if TYPE_CHECKING:
    from streamtap import RunRecord
    from streamtap.testing import Capture


def plugged(door: str, seen: Capture, *, stream: bool = True) -> tuple[list[Any], dict[str, Any]]:
    """The capabilities of the agent and the arguments of the run that plug the tap in."""
    return ([], {'event_stream_handler': seen.tap}) if door == 'handler' else ([seen.tap.capability(stream=stream)], {})


@REAL_TIME
@pytest.mark.parametrize('door', ['handler', 'streamed capability', 'unstreamed capability'])
def test_a_tool_that_is_cancelled_is_interrupted_once(door: str):
    """Whoever tells its end first: the run that is left, or the tool that unwinds later."""

    async def main() -> None:
        capabilities, arguments = plugged(door.split()[-1], seen, stream=door.startswith('streamed'))
        made = agent([nap(30, 'a')], capabilities=capabilities)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(made.run('hello', **arguments), 0.1)
        await asyncio.sleep(0.01)

    with capture() as seen:
        asyncio.run(main())
        assert [(tool.outcome, tool.duration) for tool in seen.tools()] == [('interrupted', None)]
        assert seen.runs()[0].phases['tools'] == pytest.approx(0.1, abs=0.05)
        assert [name for name, _ in seen.moments()][-1] == 'run_ended'


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_run_cancelled_at_any_of_its_first_steps_is_not_open_for_ever(door: str):
    """pydantic-ai does not tell of every one; what began has ended when its task has."""

    async def main() -> None:
        for steps in range(60):
            capabilities, arguments = plugged(door, seen)
            task = asyncio.create_task(agent([Calls('nap')], ['done'], capabilities=capabilities).run('x', **arguments))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0)
            assert seen.tap.live().runs == (), f'after {steps} steps'

    with capture() as seen:
        asyncio.run(main())
        began = [name for name, _ in seen.moments()].count('run_started')
        assert len(seen.runs()) == began > 0
        assert {run.outcome for run in seen.runs()} <= {
            'cancelled',
            'success',
            'incomplete' if door == 'handler' else 'success',
        }
        assert seen.faults() == []


@dataclass
class Progress(CustomEvent):
    """Something that a tool says while it runs."""


@REAL_TIME
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_an_event_of_a_tools_own_does_not_shorten_it(door: str):
    """Its duration is from its start to its end, whatever it says between."""
    with capture() as seen:
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('speaks')], ['done'], capabilities=capabilities)

        @made.tool
        async def speaks(ctx: RunContext[Any]) -> str:
            await asyncio.sleep(0.05)
            await ctx.emit(Progress())
            await asyncio.sleep(0.05)
            return 'said'

        asyncio.run(made.run('hello', **arguments))
        assert [tool.duration for tool in seen.tools()] == [pytest.approx(0.1, abs=0.03)]


@REAL_TIME
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_waiting_for_an_approval_is_not_the_tools_time(door: str):
    """Also when a capability gives it inside the run."""

    async def approve(ctx: RunContext[Any], requests: Any) -> DeferredToolResults:
        await asyncio.sleep(0.2)
        return DeferredToolResults(approvals={call.tool_call_id: ToolApproved() for call in requests.approvals})

    with capture() as seen:
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('risky')], ['done'], capabilities=[*capabilities, HandleDeferredToolCalls(approve)])

        @made.tool_plain(requires_approval=True)
        async def risky() -> str:
            await asyncio.sleep(0.05)
            return 'done it'

        asyncio.run(made.run('hello', **arguments))
        assert [(tool.outcome, tool.duration) for tool in seen.tools()] == [('success', pytest.approx(0.05, abs=0.03))]
        assert [run.outcome for run in seen.runs()] == ['success']


class Refuses(AbstractCapability[Any]):
    """Another capability that sends the first answer back."""

    refused = False

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        if not self.refused:
            self.refused = True
            raise ModelRetry('again')
        return response


@pytest.mark.parametrize('door', ['handler', 'streamed capability', 'unstreamed capability'])
def test_an_answer_that_another_capability_refuses_is_no_failure_of_the_provider(door: str):
    """The model did its part, and billed it."""
    with capture() as seen:
        capabilities, arguments = plugged(door.split()[-1], seen, stream=door.startswith('streamed'))
        made = agent(['bad'], ['good'], capabilities=[Refuses(), *capabilities])
        result = asyncio.run(made.run('hello', **arguments))
        assert [(r.outcome, r.error_type, r.usage_reported) for r in seen.responses()] == [('success', None, True)] * 2
        assert sum(r.input_tokens or 0 for r in seen.responses()) == result.usage.input_tokens


@pytest.mark.parametrize('doors', ['capability', 'both'])
def test_closing_the_tap_in_the_middle_of_a_run_counts_nothing_twice(doors: str):
    """The door that measured it goes on doing so, without a second report."""
    with capture() as seen:
        capabilities, _ = plugged('capability', seen)
        made = agent([Calls('closes')], [Calls('nap')], ['done'], capabilities=capabilities)

        @made.tool_plain
        async def closes() -> str:
            seen.tap.close()
            return 'closed'

        arguments: dict[str, Any] = {'event_stream_handler': seen.tap} if doors == 'both' else {}
        asyncio.run(made.run('hello', **arguments))
        assert [run.outcome for run in seen.runs()] == ['incomplete']
        assert [response.step for response in seen.responses()] == [1, 2, 3]
        assert [(tool.tool, tool.outcome) for tool in seen.tools()] == [('closes', 'interrupted'), ('nap', 'success')]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_tools_own_validation_error_is_an_error(door: str):
    """A class of the user's may be called like one of pydantic's."""

    class ValidationError(Exception):
        pass

    with capture() as seen:
        capabilities, arguments = plugged(door, seen)
        made = agent([Calls('checks')], capabilities=capabilities)

        @made.tool_plain
        async def checks() -> str:
            raise ValidationError

        with pytest.raises(ValidationError):
            asyncio.run(made.run('hello', **arguments))
        assert [(tool.outcome, tool.error_type) for tool in seen.tools()] == [('error', 'ValidationError')]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_tool_that_was_skipped_is_no_call(door: str):
    """When the run has its final result, the rest of the round does not run, and is not counted as if it had."""
    with capture() as seen:
        capabilities, arguments = plugged(door, seen)
        made = agent(
            [Calls('final_result', '{"response":3}', 'a'), Calls('nap', id='b')],
            output_type=int,
            end_strategy='early',
            capabilities=capabilities,
        )
        asyncio.run(made.run('hello', **arguments))
        assert [(tool.tool, tool.outcome) for tool in seen.tools()] == [('final_result', 'success')]
        assert [(run.outcome, run.tool_calls) for run in seen.runs()] == [('success', 0)]


@REAL_TIME
def test_an_output_function_that_is_cancelled_was_interrupted():
    """Not wrong, and its time is the tools'."""

    async def slow(value: int) -> int:
        await asyncio.sleep(30)
        return value

    async def main() -> None:
        made = agent([Calls('final_result', '{"value":3}')], output_type=slow, capabilities=[seen.tap.capability()])
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(made.run('hello'), 0.1)

    with capture() as seen:
        asyncio.run(main())
        assert [(tool.kind, tool.outcome, tool.duration) for tool in seen.tools()] == [('output', 'interrupted', None)]
        assert seen.runs()[0].phases['tools'] == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize('hours', [-1, 1])
def test_a_step_of_the_wall_clock_makes_no_nonsense(hours: int):
    """A run's start that cannot be is not believed; nothing is negative, nothing takes an hour."""

    class Stepping(FakeClock):
        def unix_ns(self) -> int:
            return super().unix_ns() + hours * 3_600_000_000_000

    with capture(clock=Stepping(unix=time.time())) as seen:
        made = agent([Calls('nap')], ['done'])
        asyncio.run(made.run('hello', event_stream_handler=seen.tap))
        assert [(run.duration, run.phases) for run in seen.runs()] == [(0.0, {})]
        assert [response.duration for response in seen.responses()] == [0.0, 0.0]


def test_a_run_id_that_is_used_again_is_another_run():
    """In the handler door too, where only the first call of a run can tell."""
    with capture() as seen:
        for door in ('handler', 'capability', 'handler'):
            capabilities, arguments = plugged(door, seen)
            asyncio.run(agent([Calls('nap')], ['done'], capabilities=capabilities).run('x', run_id='same', **arguments))
            gc.collect()
            seen.tap.flush()
        assert [(run.door, run.requests) for run in seen.runs()] == [('handler', 2), ('capability', 2), ('handler', 2)]
        assert seen.faults() == []


def test_a_tap_that_nobody_holds_goes():
    """Nothing global keeps it, and a scrape does not ask it any more; an agent with its capability does keep it."""
    registry = CollectorRegistry()
    taps = [weakref.ref(Tap([PrometheusSink(registry)])) for _ in range(20)]
    gc.collect()
    assert [tap() for tap in taps] == [None] * 20
    list(registry.collect())
    kept = Tap([PrometheusSink(registry)]).capability()
    gc.collect()
    labels = {'agent': 'scripted', 'door': 'capability', 'nested': 'false', 'outcome': 'success'}
    asyncio.run(agent(['done'], capabilities=[kept]).run('hello'))
    assert registry.get_sample_value('pydantic_ai_runs_total', labels) == 1
    assert registry.get_sample_value('pydantic_ai_runs_in_progress', {'agent': 'scripted'}) == 0


def test_one_prometheus_sink_belongs_to_one_tap():
    """Given to two it would count twice."""
    sink = PrometheusSink(CollectorRegistry())
    Tap([sink])
    with pytest.raises(ValueError, match='belongs to one tap'):
        Tap([sink])


@pytest.mark.parametrize(
    ('raised', 'inline'),
    [
        (asyncio.CancelledError, True),
        (asyncio.CancelledError, False),
        (GeneratorExit, True),
        (GeneratorExit, False),
        (SystemExit, False),
    ],
)
def test_a_sink_that_raises_what_it_must_not_is_caught_all_the_same(raised: type[BaseException], inline: bool):  # noqa: FBT001
    """It ends neither the run nor the worker."""
    seen_runs: list[str] = []

    class Hostile(BaseSink):
        def run_ended(self, record: RunRecord) -> None:
            seen_runs.append(record.outcome)
            raise raised

    sink = Hostile()
    type(sink).inline = inline
    memory = MemorySink()
    with Tap([sink, memory]) as tap:
        for _ in range(3):
            asyncio.run(agent(['done'], capabilities=[tap.capability()]).run('hello'))
    assert seen_runs == ['success'] * 3
    assert [fault.subject for fault in memory.faults] == ['Hostile'] * 3


def test_a_tool_that_raises_leaves_no_cycle():
    """What the tool's frame held goes when the run is over, without the garbage collector."""

    class Held:
        pass

    alive: list[weakref.ref[Held]] = []

    async def main(seen: Capture) -> None:
        made = agent([Calls('holds')], capabilities=[seen.tap.capability()])

        @made.tool_plain
        async def holds() -> str:
            held = Held()
            alive.append(weakref.ref(held))
            raise LookupError('gone')

        with contextlib.suppress(LookupError):
            await made.run('hello')

    gc.collect()
    gc.disable()
    try:
        with capture() as seen:
            asyncio.run(main(seen))
        assert [ref() for ref in alive] == [None]
    finally:
        gc.enable()


@REAL_TIME
def test_queueing_for_a_slot_is_a_phase_of_its_own():
    """Part of the run's duration, as whoever asked for the run waits for it."""

    async def main() -> None:
        made = agent([nap(0.1, 'a')], ['done'], [nap(0.1, 'a')], ['done'], capabilities=caps, max_concurrency=1)
        await asyncio.gather(made.run('first'), made.run('second'))

    with capture() as seen:
        caps = [seen.tap.capability()]
        asyncio.run(main())
        first, second = seen.runs()
        assert first.phases.get('queue', 0.0) < 0.05
        assert second.phases['queue'] == pytest.approx(0.1, abs=0.05)
        for run in (first, second):
            assert sum(run.phases.values()) == pytest.approx(run.duration, abs=0.001)


def test_no_hook_of_the_capability_makes_a_realtime_session_warn():
    """pydantic-ai warns of hooks that such a session never calls; ours are all answered for."""
    with capture() as seen:
        assert seen.tap.capability()._realtime_uncalled_hooks() == ()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_run_in_a_thread_of_a_tool_knows_its_caller(door: str):
    """A tool that is no coroutine runs in a thread, and another agent there with `run_sync()`."""
    with capture() as seen:
        capabilities, arguments = plugged(door, seen)
        inner = agent(['inner'], name='inner', capabilities=capabilities)
        outer = agent([Calls('delegate')], ['outer'], name='outer', capabilities=capabilities)

        @outer.tool_plain
        def delegate() -> str:
            loop = asyncio.new_event_loop()
            try:
                return str(loop.run_until_complete(inner.run('go', **arguments)).output)
            finally:
                loop.close()

        asyncio.run(outer.run('hello', **arguments))
        found = {run.agent: run for run in seen.runs()}
        assert found['inner'].parent_run_id == found['outer'].run_id
        assert {run.outcome for run in seen.runs()} == {'success'}


class Skips(AbstractCapability[Any]):
    """Answers for the tools."""

    async def before_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any) -> Any:
        raise SkipToolExecution('not needed')


class Rejects(AbstractCapability[Any]):
    """Rejects every response."""

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        raise ValueError('not this one')


def test_a_tool_that_another_capability_answers_for_did_not_fail():
    """Skipping an execution is no error."""
    with capture() as seen:
        asyncio.run(agent([Calls('nap')], ['done'], capabilities=[Skips(), seen.tap.capability()]).run('hello'))
    assert [(tool.tool, tool.outcome) for tool in seen.tools()] == [('nap', 'success')]


def test_a_response_that_another_capability_rejects_cost_its_tokens():
    """The model answered, and the provider bills it."""
    with capture() as seen, pytest.raises(ValueError, match='not this one'):
        asyncio.run(agent(['do', 'ne'], capabilities=[Rejects(), seen.tap.capability()]).run('hello'))
    (response,) = seen.responses()
    assert (response.outcome, response.usage_reported, response.output_tokens) == ('success', True, 2)
