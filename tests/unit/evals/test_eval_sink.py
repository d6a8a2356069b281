"""Each case of an evaluation has its own figures, whatever runs beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')

from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_evals import Case, Dataset, increment_eval_metric
from pydantic_evals import _task_run as task_run  # pyright: ignore[reportPrivateUsage]
from pydantic_evals.reporting import EvaluationReportAdapter

from streamtap import Tap
from streamtap.evals import EvalSink, RunWithin
from streamtap.testing import FakeClock, MemorySink
from support.made_records import run as made_run
from support.made_records import run_start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from pydantic_evals.reporting import ReportCase


def evaluated(
    task: Callable[[int], Awaitable[object]] | Callable[[int], object], *inputs: int, **options: Any
) -> dict[str, ReportCase[int, Any, Any]]:
    """The cases of a report, by their names: their inputs."""
    cases = [Case(name=str(each), inputs=each) for each in inputs]
    dataset = Dataset[int, Any, Any](name='d', cases=cases, evaluators=[RunWithin(60)])
    report = asyncio.run(dataset.evaluate(task, progress=False, **options))
    assert report.failures == []
    return {case.name: case for case in report.cases}


def figures(case: ReportCase[int, Any, Any], *names: str) -> list[float | int | None]:
    return [case.metrics.get(f'streamtap.{name}') for name in names]


def greeter(tap: Tap, name: str = 'greeter') -> Agent[None, str]:
    """An agent that uses 51 input tokens and 4 output tokens, for $0.25."""
    return Agent(TestModel(), name=name, capabilities=[tap.capability()])


@pytest.fixture
def tap() -> Tap:
    return Tap([EvalSink()], price=lambda record, response: 0.25)


async def handler_run(tap: Tap, agent: Agent[None, str]) -> None:
    await agent.run('hello', event_stream_handler=tap)


async def watched_run(tap: Tap, agent: Agent[None, str]) -> None:
    async with agent.run_stream_events('hello') as events:
        async for _ in tap.watch(events):
            pass


async def capability_run(tap: Tap, agent: Agent[None, str]) -> None:
    await agent.run('hello', capabilities=[tap.capability()])


@pytest.mark.parametrize('door', [handler_run, watched_run, capability_run], ids=['handler', 'watch', 'capability'])
def test_cases_that_run_at_once_have_their_own_figures(tap: Tap, door: Callable[[Tap, Any], Awaitable[None]]):
    """At every door, also of runs that go on beside each other in one case."""

    async def task(runs: int) -> None:
        await asyncio.gather(*(door(tap, Agent(TestModel(), name='greeter')) for _ in range(runs)))

    cases = evaluated(task, 1, 2, 5)
    assert {name: figures(case, 'requests', 'input_tokens', 'cost_usd') for name, case in cases.items()} == {
        '1': [1, 51, 0.25],
        '2': [2, 102, 0.5],
        '5': [5, 255, 1.25],
    }
    assert all(case.assertions['RunWithin'].value for case in cases.values())


def test_a_task_that_is_no_coroutine_has_them_too(tap: Tap):
    """It runs in a thread of its own."""

    def task(runs: int) -> None:
        async def run() -> None:
            for _ in range(runs):
                await greeter(tap).run('hello')

        asyncio.run(run())

    cases = evaluated(task, 1, 2)
    assert {name: figures(case, 'requests') for name, case in cases.items()} == {'1': [1], '2': [2]}


def test_of_several_runs_the_longest_counts_and_what_they_used_is_summed():
    """And whose time it is, is in the case's attribute."""
    clock = FakeClock()
    tap = Tap([EvalSink()], clock=clock)

    def waiting(name: str, seconds: float) -> Agent[None, str]:
        async def answer(messages: object, info: object) -> AsyncIterator[str]:
            for word in ('It ', 'is.'):
                clock.advance(seconds)
                yield word

        return Agent(FunctionModel(stream_function=answer), name=name, capabilities=[tap.capability(stream=True)])

    async def task(_: int) -> None:
        for name, seconds in (('fast', 0.5), ('slow', 2.0), ('fast', 0.5)):
            await waiting(name, seconds).run('hello')

    (case,) = evaluated(task, 1).values()
    assert figures(case, 'run_seconds', 'first_output_seconds', 'stall_seconds', 'requests') == [4.0, 2.0, 2.0, 3]
    measured: Any = case.attributes['streamtap']
    assert (measured.runs, measured.run.of) == (3, 'slow')


def test_a_run_that_another_called_is_part_of_it(tap: Tap):
    """Its requests are the case's; its time is its caller's."""
    helper = greeter(tap, 'helper')
    boss = greeter(tap, 'boss')

    @boss.tool_plain
    async def ask() -> str:
        return (await helper.run('hello')).output

    async def task(_: int) -> None:
        await boss.run('hello')

    (case,) = evaluated(task, 1).values()
    measured: Any = case.attributes['streamtap']
    assert (measured.runs, measured.run.of) == (1, 'boss')
    assert figures(case, 'requests', 'tool_calls', 'cost_usd') == [3, 1, 0.75]


def test_a_figure_that_is_not_whole_is_absent_and_the_attribute_says_why(tap: Tap):
    """It would be too good."""

    async def task(_: int) -> None:
        await greeter(tap).run('hello')

    (case,) = evaluated(task, 1).values()
    assert 'streamtap.first_output_seconds' not in case.metrics
    measured: Any = case.attributes['streamtap']
    assert measured.first_output.missing.startswith('a run of greeter streamed no output')


def test_a_case_that_is_repeated_or_tried_again_begins_anew(tap: Tap):
    """Each repetition is a case of its own, and of a task that is tried again the last attempt counts."""

    async def task(_: int) -> None:
        await greeter(tap).run('hello')

    cases = evaluated(task, 1, repeat=2)
    assert {name: figures(case, 'requests') for name, case in cases.items()} == {'1 [1/2]': [1], '1 [2/2]': [1]}


def test_metrics_of_the_users_own_stay(tap: Tap):
    """They have other names."""

    async def task(_: int) -> None:
        increment_eval_metric('requests', 7)
        await greeter(tap).run('hello')

    (case,) = evaluated(task, 1).values()
    assert (case.metrics['requests'], case.metrics['streamtap.requests']) == (7, 1)


def test_outside_an_evaluation_nothing_is_kept():
    """An application may have the sink always."""
    sink, memory = EvalSink(), MemorySink()
    with Tap([sink, memory]) as tap:
        asyncio.run(greeter(tap).run('hello'))
    assert len(memory.runs) == 1
    assert memory.faults == []
    assert vars(sink)['_open'] == {}


def test_two_taps_on_one_run_count_it_once(tap: Tap):
    """Each has a sink of its own."""
    other = Tap([EvalSink()])

    async def task(_: int) -> None:
        await greeter(tap).run('hello', capabilities=[other.capability()])

    (case,) = evaluated(task, 1).values()
    assert figures(case, 'requests') == [1]


def test_a_case_with_a_run_that_is_still_open_cannot_be_judged(tap: Tap):
    """That run may yet take anything."""
    background: list[object] = []

    async def task(_: int) -> None:
        agent = Agent(TestModel(), name='late', capabilities=[tap.capability()])

        async def forever() -> None:
            async with agent.iter('hello') as run:
                await anext(run)
                started.set()
                await asyncio.sleep(60)

        started = asyncio.Event()
        background.append(asyncio.create_task(forever()))
        await started.wait()
        await greeter(tap).run('hello')

    (case,) = evaluated(task, 1).values()
    judged = case.assertions['RunWithin']
    assert (judged.value, str(judged.reason).split(', ')[1:]) == (
        False,
        ['but perhaps not all of it', 'as a run of late has not ended'],
    )


def test_a_run_that_ends_elsewhere_is_its_own_cases():
    """Whoever finds out that a run is over: what it used belongs to the case in which it began."""
    sink, began, other = EvalSink(), task_run.TaskRun(), task_run.TaskRun()
    token = task_run.CURRENT_TASK_RUN.set(began)
    sink.run_started(run_start('r'))
    task_run.CURRENT_TASK_RUN.reset(token)
    token = task_run.CURRENT_TASK_RUN.set(other)
    sink.run_ended(made_run(run_id='r', requests=1))
    task_run.CURRENT_TASK_RUN.reset(token)
    assert (began.metrics['streamtap.requests'], other.metrics) == (1, {})


def test_a_failure_of_the_sink_stays_in_the_tap():
    """The case goes on, and the evaluator says that nothing was measured."""
    memory = MemorySink()
    tap = Tap([EvalSink(), memory])

    async def task(_: int) -> str:
        # Nothing that pydantic-evals does.
        task_run.CURRENT_TASK_RUN.get().attributes = None  # pyright: ignore
        try:
            return (await greeter(tap).run('hello')).output
        finally:
            task_run.CURRENT_TASK_RUN.get().attributes = {}  # pyright: ignore

    (case,) = evaluated(task, 1).values()
    assert case.output == 'success (no tool calls)'
    assert [(fault.kind, fault.subject) for fault in memory.faults] == [('error', 'EvalSink')]
    assert str(case.assertions['RunWithin'].reason).startswith('nothing was measured in this case')


def test_a_pydantic_evals_that_keeps_its_case_elsewhere_is_named_at_once(monkeypatch: pytest.MonkeyPatch):
    """A sink that never found a case would leave every case unmeasured."""
    monkeypatch.delattr(task_run, 'CURRENT_TASK_RUN')
    with pytest.raises(ImportError, match='this release of pydantic-evals keeps the case that it evaluates where'):
        EvalSink()


def test_a_report_can_be_kept_as_json(tap: Tap):
    """With what was measured, and what is missing."""

    async def task(_: int) -> None:
        await greeter(tap).run('hello')

    dataset = Dataset[int, Any, Any](name='d', cases=[Case(name='c', inputs=1)])
    report = asyncio.run(dataset.evaluate(task, progress=False))
    kept = EvaluationReportAdapter.validate_json(EvaluationReportAdapter.dump_json(report))
    measured = kept.cases[0].attributes['streamtap']
    assert (measured['runs'], measured['requests']) == (1, {'value': 1, 'of': None, 'missing': None})
    assert measured['first_output']['missing'].startswith('a run of greeter streamed no output')
