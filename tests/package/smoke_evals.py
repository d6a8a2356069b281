"""A dataset from YAML whose case has limits, which it keeps, and does not."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from pydantic_evals import Dataset

import streamtap
from streamtap.evals import EVALUATORS, EvalSink

CASES = """
name: greetings
cases:
- inputs: hello
evaluators:
- RunWithin: 30
- FirstOutputWithin: 30
- MaxCost: 0.05
"""

tap = streamtap.Tap([*streamtap.default_sinks(), EvalSink()])
agent = Agent(TestModel(), name='greeter', capabilities=[tap.capability(stream=True)])


async def task(inputs: str) -> str:
    """What is evaluated."""
    return (await agent.run(inputs)).output


dataset = Dataset[str, str, Any].from_text(CASES, custom_evaluator_types=EVALUATORS)
report = asyncio.run(dataset.evaluate(task, progress=False))
assert report.failures == []
(case,) = report.cases
assert case.metrics['streamtap.requests'] == 1, case.metrics
judged = {name: result.value for name, result in case.assertions.items()}
# Nobody knows what a TestModel costs.
assert judged == {'RunWithin': True, 'FirstOutputWithin': True, 'MaxCost': False}, case.assertions
