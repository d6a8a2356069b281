"""The smallest use: one tap, one agent, one run.

Look at the table: the run, its two requests, and the tool between them.
`stream=True` makes plain `run()` stream, so that there is a time to first token and a blank screen to measure.
Tutorials read `result.data` here; today it is `result.output`.
"""

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import Tap

tap = Tap()
agent = Agent(TestModel(), name='greeter', capabilities=[tap.capability(stream=True)])


@agent.tool_plain
def weather(city: str) -> str:
    """The weather in a city."""
    return f'It is sunny in {city}.'


if __name__ == '__main__':
    result = agent.run_sync('How is the weather?')
    print(result.output)
    print(tap.usage.summary())
