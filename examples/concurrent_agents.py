"""Different agents at once on one tap, one of them limited to two runs at a time.

Look at the phases of the limited agent's runs: the time in the queue is told apart from the time the model took, so
that a full house does not look like a slow provider.
"""

import asyncio
from collections.abc import AsyncIterator

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel

from streamtap import Tap


async def slowly(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model."""
    await asyncio.sleep(0.2)
    yield 'Done.'


async def main() -> None:
    """Run eight of each."""
    tap = Tap()
    model = FunctionModel(stream_function=slowly, model_name='slow')
    triage = Agent(model, name='triage', capabilities=[tap.capability(stream=True)])
    research = Agent(model, name='research', max_concurrency=2, capabilities=[tap.capability(stream=True)])

    await asyncio.gather(*(agent.run(f'Case {case}') for case in range(8) for agent in (triage, research)))

    summary = tap.usage.summary()
    for run in summary.recent_runs:
        print(f'{run.agent:8}  queue {run.phases.get("queue", 0):.1f} s  model {run.phases["wait"]:.1f} s')
    print(summary)


if __name__ == '__main__':
    asyncio.run(main())
