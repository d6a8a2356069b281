"""A team: an editor asks two specialists at once through its tools, and makes one answer out of theirs.

Look at the tree: each specialist's run knows which run called it, and its cost is also counted for the editor, under
the label `root_agent` of `pydantic_ai_cost_usd_total`. The editor's own line holds only what its own requests took.
Do not add up durations over such a tree: a specialist's time is inside its editor's phase `tools`.
"""

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import RunRecord, Tap, UsageSink
from streamtap.testing import MemorySink

runs = MemorySink()
tap = Tap(
    [runs, UsageSink()],
    price=lambda record, _: 0.00001 * ((record.input_tokens or 0) + (record.output_tokens or 0)),
)

historian = Agent(
    TestModel(custom_output_text='Rome was founded in 753 BC.'), name='historian', capabilities=[tap.capability()]
)
critic = Agent(TestModel(custom_output_text='Or so they say.'), name='critic', capabilities=[tap.capability()])
editor = Agent(
    TestModel(custom_output_text='Rome was founded in 753 BC, or so they say.'),
    name='editor',
    capabilities=[tap.capability()],
)


@editor.tool_plain
async def ask_historian(question: str) -> str:
    """What happened."""
    return (await historian.run(question)).output


@editor.tool_plain
async def ask_critic(question: str) -> str:
    """What to doubt."""
    return (await critic.run(question)).output


def show(run: RunRecord, depth: int = 0) -> None:
    """Print a run, and below it those it called."""
    print(f'{"  " * depth}{run.agent}: {run.outcome}, requests: {run.requests}, ${run.cost_usd:.5f}')
    for called in runs.runs:
        if called.parent_run_id == run.run_id:
            show(called, depth + 1)


async def main() -> None:
    """Ask the editor."""
    print((await editor.run('When was Rome founded?')).output)
    show(next(run for run in runs.runs if run.parent_run_id is None))
    print(f'together ${tap.usage.summary().total.cost_usd:.5f}')


if __name__ == '__main__':
    asyncio.run(main())
