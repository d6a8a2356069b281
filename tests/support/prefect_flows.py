"""A process with Prefect flows, one for each place of the tap: prints as JSON what the tap there recorded."""

# Prefect is not in the environment of the static checks.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUntypedFunctionDecorator=false

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from typing import Any, Literal

from prefect import flow
from prefect.testing.utilities import prefect_test_harness
from pydantic_ai.durable_exec.prefect import PrefectDurability

from streamtap.testing import capture
from support.durable_agents import CALLS, PLACES, SAYS, Place, durable_agent, what_was_counted
from support.installed import installed

EVERYWHERE: tuple[Place, ...] = (*PLACES, 'installed')


class BrokenFlowError(Exception):
    """The flow failed behind its agent's run, so that it is tried again."""


def run_flow(place: Place, *, fails: Literal['agent', 'flow']) -> dict[str, Any]:
    """Run the agent in a flow that fails once and is tried again, and tell what the tap told.

    Args:
        place: Where the tap is attached.
        fails: What fails: the second request of the agent, or the flow when its agent is done.
    """
    turns = [CALLS, SAYS] if fails == 'flow' else [CALLS, [BrokenFlowError()], SAYS]
    with capture() as seen, installed(seen.tap) if place == 'installed' else nullcontext():
        agent, options = durable_agent(PrefectDurability, place, seen.tap, *turns)
        attempts = iter(range(2))

        @flow(name='sleep', retries=1)
        async def sleep() -> None:
            await agent.run('Sleep', **options)
            if next(attempts) == 0 and fails == 'flow':
                raise BrokenFlowError

        asyncio.run(sleep())
        return {
            **what_was_counted(seen),
            'chunks': [response.chunks for response in seen.responses()],
            'knows_start': [response.time_to_first_token is not None for response in seen.responses()],
            'faults': [repr(fault) for fault in seen.faults()],
        }


if __name__ == '__main__':
    with prefect_test_harness(server_startup_timeout=120):
        found = {
            place: {'replayed': run_flow(place, fails='flow'), 'tried again': run_flow(place, fails='agent')}
            for place in EVERYWHERE
        }
    print(json.dumps(found))
