"""Evaluations that ask how soon, how expensive and how often, besides whether the answer is right.

Look at the case that loops: its answer is right, and it asked the same thing four times.
The cases run at once, and each has its own figures; the limits are in the dataset, as in a file of your own.
Put your own model where `FunctionModel` stands, and keep `report.print(include_reasons=True)` for the whole table.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, FunctionModel
from pydantic_evals import Dataset

from streamtap import Tap, default_sinks
from streamtap.evals import EVALUATORS, EvalSink

CASES = """
name: support
cases:
- name: short answer
  inputs: Can I get my money back?
  evaluators:
  - FirstOutputWithin: 5
- name: long answer
  inputs: Tell me all about refunds.
- name: a loop
  inputs: Where is my parcel?
evaluators:
- RunWithin: 10
- MaxCost: 0.01
- MaxRepeatedToolCalls: 0
"""


async def model(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | dict[int, DeltaToolCall]]:
    """Stands for a model: it looks for the parcel again and again."""
    asked = str(messages[0].parts)
    if 'parcel' in asked and len(messages) < 8:
        yield {0: DeltaToolCall('search', '{"what": "parcel"}', tool_call_id=f'call {len(messages)}')}
        return
    for word in ('Yes, ', 'within ', 'three ', 'days. ') * (5 if 'all' in asked else 1):
        await asyncio.sleep(0.01)
        yield word


tap = Tap([*default_sinks(), EvalSink()])
support = Agent(
    FunctionModel(stream_function=model, model_name='gpt-4.1-mini'),
    name='support',
    capabilities=[tap.capability(stream=True)],
)


@support.tool_plain
def search(what: str) -> str:
    """Search the orders."""
    return f'no news of the {what}'


async def answer(question: str) -> str:
    """What is evaluated."""
    return (await support.run(question)).output


async def main() -> None:
    """Evaluate every case, and show what each limit says."""
    dataset = Dataset[str, str, Any].from_text(CASES, custom_evaluator_types=EVALUATORS)
    report = await dataset.evaluate(answer, progress=False)
    for case in report.cases:
        for name, result in case.assertions.items():
            print(f'{case.name}: {"passed" if result.value else "FAILED"}  {name:20}  {result.reason}')
    print(f'cost of all cases: ${sum(case.metrics["streamtap.cost_usd"] for case in report.cases):.4f}')


if __name__ == '__main__':
    asyncio.run(main())
