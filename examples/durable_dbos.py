"""A durable run: DBOS records each request on SQLite, and a recovered workflow gets the recorded answers back.

Look at the counts: the workflow runs twice, the second time from its records, and the tap counts each request once.
`DBOSDurability(event_stream_handler=tap)` measures the requests' pace inside their steps, `tap.capability()` the run
around them: docs/durable.md says what each of them can know.
Tutorials wrap the agent in `DBOSAgent(agent)`; today durability is a capability of the agent itself.
"""

import asyncio
import tempfile
from pathlib import Path

from dbos import DBOS, SetWorkflowID
from pydantic_ai import Agent
from pydantic_ai.durable_exec.dbos import DBOSDurability
from pydantic_ai.models.test import TestModel

from streamtap import Tap

tap = Tap()
agent = Agent(
    TestModel(custom_output_text='It is sunny.'),
    name='forecaster',
    capabilities=[DBOSDurability(event_stream_handler=tap), tap.capability()],
)


@agent.tool_plain
async def weather(city: str) -> str:
    """The weather in a city."""
    return f'sunny in {city}'


@DBOS.workflow()
async def forecast(question: str) -> str:
    """Ask the agent, durably."""
    return (await agent.run(question)).output


async def main() -> None:
    """Run the workflow, then once more under the same id."""
    for attempt in ('first', 'again'):
        with SetWorkflowID('today'):
            print(f'{attempt}: {await forecast("How is the weather?")}')
        total = tap.usage.summary().total
        print(f'runs: {total.runs}, requests: {total.requests}, tool calls: {total.tool_calls}')


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / 'dbos.sqlite'
        DBOS(config={'name': 'forecast', 'system_database_url': f'sqlite:///{database}', 'log_level': 'ERROR'})
        DBOS.launch()
        try:
            asyncio.run(main())
        finally:
            DBOS.destroy()
