"""Evaluators of what a case took, from Python and from files."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')

from pydantic_ai import Agent
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_evals import Case, Dataset

from streamtap import Objective, Tap
from streamtap.evals import (
    EVALUATORS,
    EvalSink,
    FirstOutputWithin,
    MaxCacheMissedTokens,
    MaxContextUsed,
    MaxCost,
    MaxRepeatedToolCalls,
    MaxStallSeconds,
    MinTokensPerSecond,
    ObjectiveMet,
    RunWithin,
)
from streamtap.testing import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from pydantic_evals.evaluators import Evaluator
    from pydantic_evals.reporting import EvaluationReport

    Cases = Dataset[str, str, Any]


ONE_OF_EACH: tuple[Evaluator[object, object, object], ...] = (
    FirstOutputWithin(2),
    RunWithin(2),
    MaxCost(2),
    MaxStallSeconds(2),
    MinTokensPerSecond(2),
    MaxRepeatedToolCalls(2),
    ObjectiveMet(),
    MaxContextUsed(0.5),
    MaxCacheMissedTokens(2),
)


def dataset(*evaluators: Evaluator[object, object, object]) -> Cases:
    """A dataset with one case."""
    return Dataset[str, str, Any](name='d', cases=[Case(name='c', inputs='hello')], evaluators=list(evaluators))


def measured(
    cases: Cases, *, stream: bool = True, searches: int = 0, objective: Objective | None = None
) -> EvaluationReport[str, str, Any]:
    """The report on an agent that searches, waits 0.5 s before each of its six tokens and costs $0.01 each time."""
    clock, left = FakeClock(), list(range(searches))

    async def answer(messages: object, info: object) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
        if left:
            yield {0: DeltaToolCall('search', '{}', tool_call_id=f'call {left.pop()}')}
            return
        for word in ('You ', 'get ', 'it ', 'back ', 'again', '.'):
            clock.advance(0.5)
            yield word

    def search() -> str:
        return 'nothing'

    tap = Tap([EvalSink()], clock=clock, price=lambda record, response: 0.01, objective=objective)
    model = FunctionModel(stream_function=answer)
    agent = Agent(model, name='support', tools=[search], capabilities=[tap.capability(stream=stream)])

    async def task(inputs: str) -> str:
        return (await agent.run(inputs)).output

    return asyncio.run(cases.evaluate(task, progress=False))


def told(report: EvaluationReport[str, str, Any]) -> dict[str, tuple[bool, str | None]]:
    """What each evaluator said of the case."""
    (case,) = report.cases
    assert case.evaluator_failures == []
    return {name: (result.value, result.reason) for name, result in case.assertions.items()}


def test_a_case_within_its_limits_passes_and_tells_what_it_took():
    """Up to the limit itself."""
    limits = (
        FirstOutputWithin(0.5),
        RunWithin(3.0),
        MaxCost(0.01),
        MaxStallSeconds(0.5),
        MinTokensPerSecond(2.0),
        MaxRepeatedToolCalls(0),
    )
    assert told(measured(dataset(*limits))) == {
        'FirstOutputWithin': (True, 'first output: 500 ms (support)'),
        'RunWithin': (True, 'longest run: 3.00 s (support)'),
        'MaxCost': (True, 'cost: $0.01'),
        'MaxStallSeconds': (True, 'longest silence: 500 ms (support)'),
        'MinTokensPerSecond': (True, 'lowest tokens per second: 2 (support)'),
        'MaxRepeatedToolCalls': (True, 'repeated tool calls: 0'),
    }


def test_a_case_beyond_its_limits_fails_and_tells_both():
    """The fourth search is the second that repeats two before it."""
    limits = (
        FirstOutputWithin(0.4),
        RunWithin(2.0),
        MaxCost(0.04),
        MaxStallSeconds(0.1),
        MinTokensPerSecond(20),
        MaxRepeatedToolCalls(1),
    )
    assert told(measured(dataset(*limits), searches=4)) == {
        'FirstOutputWithin': (False, 'first output: 500 ms (support), at most 400 ms'),
        'RunWithin': (False, 'longest run: 3.00 s (support), at most 2.00 s'),
        'MaxCost': (False, 'cost: $0.05, at most $0.04'),
        'MaxStallSeconds': (False, 'longest silence: 500 ms (support), at most 100 ms'),
        'MinTokensPerSecond': (False, 'lowest tokens per second: 2 (support), at least 20'),
        'MaxRepeatedToolCalls': (False, 'repeated tool calls: 2 (support/search), at most 1'),
    }


def test_a_promise_a_full_context_and_tokens_bought_again_are_judged():
    """What nobody could know of a model without a window and of a conversation of one request fails, and says so."""
    limits = (ObjectiveMet(), MaxContextUsed(0.9), MaxCacheMissedTokens(0))
    kept = told(measured(dataset(*limits), objective=Objective(first_output=0.5)))
    assert kept['ObjectiveMet'] == (True, 'runs that missed their objective: 0')
    assert kept['MaxContextUsed'][0] is False
    reason = 'tokens bought again: not known, as no request followed another one of its conversation'
    assert kept['MaxCacheMissedTokens'] == (False, reason)
    missed = told(measured(dataset(ObjectiveMet()), objective=Objective(duration=2.0)))
    assert missed == {'ObjectiveMet': (False, 'runs that missed their objective: 1 (support: duration), at most 0')}
    unjudged = told(measured(dataset(ObjectiveMet())))
    assert unjudged['ObjectiveMet'][1] is not None
    assert 'does its tap have Tap(objective=...)?' in unjudged['ObjectiveMet'][1]


def test_what_was_not_measured_fails_and_tells_what_helps():
    """A run that does not stream has no first output, no silences and no speed; the rest is judged."""
    limits = (FirstOutputWithin(9), RunWithin(9), MaxCost(9), MaxStallSeconds(9), MinTokensPerSecond(0))
    found = told(measured_unstreamed(dataset(*limits)))
    assert {name for name, (value, _) in found.items() if value} == {'RunWithin', 'MaxCost'}
    helps = 'use tap.capability(stream=True)'
    assert found['FirstOutputWithin'] == (
        False,
        f'first output: not known, as a run of plain streamed no output that the tap could see: {helps}',
    )
    assert found['MaxStallSeconds'] == (
        False,
        f'longest silence: not known, as a response to plain was not streamed: {helps}',
    )
    assert found['MinTokensPerSecond'] == (
        False,
        'lowest tokens per second: not known, as no response had any: '
        'it takes a stream, tokens that the provider reports, and more than a few of them',
    )


def measured_unstreamed(cases: Cases) -> EvaluationReport[str, str, Any]:
    """The report on an agent that does not stream."""
    from pydantic_ai.models.test import TestModel

    tap = Tap([EvalSink()], price=lambda record, response: 0.01)
    agent = Agent(TestModel(), name='plain', capabilities=[tap.capability()])

    async def task(inputs: str) -> str:
        return (await agent.run(inputs)).output

    return asyncio.run(cases.evaluate(task, progress=False))


@pytest.mark.parametrize('evaluator', ONE_OF_EACH, ids=lambda made: type(made).__name__)
def test_a_case_without_a_measured_run_fails_whatever_the_limit(evaluator: Evaluator[object, object, object]):
    """It may be that nobody plugged the tap in."""

    async def task(inputs: str) -> str:
        return inputs

    report = asyncio.run(dataset(evaluator).evaluate(task, progress=False))
    ((value, reason),) = told(report).values()
    assert (value, reason) == (
        False,
        'nothing was measured in this case: give your tap an EvalSink(), and plug that tap into the agents that the '
        'task runs (STREAMTAP_DISABLED=1 switches taps off)',
    )


@pytest.mark.parametrize('form', ['yaml', 'json'])
def test_a_file_names_them(tmp_path: Path, form: str):
    """With their limit, as those of pydantic-evals themselves; what is written is what was read."""
    path = tmp_path / f'cases.{form}'
    limits = ONE_OF_EACH
    assert tuple(map(type, limits)) == EVALUATORS
    dataset(*limits).to_file(path, custom_evaluator_types=EVALUATORS)
    text = path.read_text(encoding='utf-8')
    assert [name for kind in EVALUATORS if (name := kind.__name__) not in text] == []
    read = Dataset[str, str, Any].from_file(path, custom_evaluator_types=EVALUATORS)
    assert read.evaluators == list(limits)


def test_a_limit_may_be_named_in_a_file():
    """Whether for the dataset or for one case."""
    text = """
name: d
cases:
- name: c
  inputs: hello
  evaluators:
  - MaxCost: {usd: 0.05}
evaluators:
- FirstOutputWithin: {seconds: 2}
- RunWithin: 10.5
"""
    read = Dataset[str, str, Any].from_text(text, custom_evaluator_types=EVALUATORS)
    assert read.evaluators == [FirstOutputWithin(2), RunWithin(10.5)]
    assert read.cases[0].evaluators == [MaxCost(0.05)]


@pytest.mark.parametrize(
    ('kind', 'limit', 'error'),
    [
        (FirstOutputWithin, 0, 'seconds must be above 0 seconds, not 0'),
        (RunWithin, '2', "seconds must be a number of seconds, not '2'"),
        (MaxCost, -1, 'usd must be at least 0 US dollars, not -1'),
        (MaxStallSeconds, None, 'seconds must be a number of seconds, not None'),
        (MinTokensPerSecond, float('nan'), 'rate must be at least 0 tokens per second, not nan'),
        (MaxRepeatedToolCalls, 1.5, 'count must be a whole number, not 1.5'),
    ],
)
def test_what_is_no_limit_is_refused(kind: Any, limit: object, error: str):
    """When it is made, or read from a file, not when the first case has been paid for."""
    with pytest.raises((TypeError, ValueError)) as refused:
        kind(limit)
    assert str(refused.value) == error
