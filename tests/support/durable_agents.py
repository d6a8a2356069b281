"""Agents of durable engines, with a tap at one of the places it can be attached there, and what it recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest
from pydantic_ai import RunContext

from support.scripted import agent, nap

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from pydantic_ai import Agent
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap import Tap
    from streamtap.testing import Capture
    from support.scripted import Turn

if not hasattr(RunContext, 'in_durable_context'):
    pytest.skip('this release of Pydantic AI does not tell that a run is durable', allow_module_level=True)

Place: TypeAlias = Literal[
    'run', 'capability', 'streaming capability', 'unit', 'beside in unit', 'unit and capability', 'installed'
]
"""Where the tap is attached: as the run's own handler, as a capability, or as the engine's handler inside its units.

One that is installed is attached by whoever runs the agent.
"""

PLACES: tuple[Place, ...] = (
    'run',
    'capability',
    'streaming capability',
    'unit',
    'beside in unit',
    'unit and capability',
)
IN_UNIT: tuple[Place, ...] = ('unit', 'beside in unit', 'unit and capability')
WITHOUT_RUN: tuple[Place, ...] = ('unit', 'beside in unit')
"""Where nobody knows when the run begins and ends."""


CALLS: Turn = [nap(0.01, 'first'), nap(0.02, 'second')]
SAYS: Turn = ['Well ', 'rested ', 'now.']


def durable_agent(
    engine: Callable[..., Any], place: Place, tap: Tap, *turns: Turn
) -> tuple[Agent[Any, Any], dict[str, Any]]:
    """An agent of that engine, and the arguments of its runs.

    Args:
        engine: Makes the engine's capability; takes its `event_stream_handler`.
        place: Where the tap is attached.
        tap: The tap.
        turns: What its model answers, request by request.
    """
    handler = tap.beside(_reads) if place == 'beside in unit' else tap
    capabilities = [engine(event_stream_handler=handler) if place in IN_UNIT else engine()]
    if place in ('capability', 'unit and capability'):
        capabilities.append(tap.capability())
    elif place == 'streaming capability':
        capabilities.append(tap.capability(stream=True))
    made = agent(*turns, name='sleeper', capabilities=capabilities)
    return made, {'event_stream_handler': tap} if place == 'run' else {}


def what_was_counted(seen: Capture) -> dict[str, list[Any]]:
    """What is counted: the requests of each run with its outcome, the step of each response, the id of each call."""
    return {
        'runs': [(run.outcome, run.requests, run.tool_calls) for run in seen.runs()],
        'responses': [(response.step, response.outcome, response.output_tokens) for response in seen.responses()],
        'tools': [(tool.step, tool.tool_call_id, tool.outcome) for tool in seen.tools()],
    }


def expected(place: Place, *, recorded: int = 0) -> dict[str, list[Any]]:
    """What is counted of one run, whose first responses may be recorded ones.

    Args:
        place: Where the tap is attached.
        recorded: How many of its two responses were recorded before.
    """
    # Under a recorded tool's result the unit that hands it over is recorded, too; a workflow's own code runs again.
    tools_ran = place not in WITHOUT_RUN or not recorded
    # The scripted model counts its words differently when it streams.
    tokens = (10, 14) if place in ('capability', 'installed') else (8, 4)
    responses = [(step, 'success', tokens[step - 1]) for step in (1, 2)][recorded:]
    return {
        'runs': [] if place in WITHOUT_RUN else [('success', len(responses), 2)],
        'responses': responses,
        'tools': [(1, 'first', 'success'), (1, 'second', 'success')] if tools_ran else [],
    }


async def _reads(ctx: RunContext[Any], events: AsyncIterable[AgentStreamEvent]) -> None:
    async for _ in events:
        pass
