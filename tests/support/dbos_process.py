"""A process with a DBOS workflow that dies in its second response, or recovers it: prints what its tap records."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, ClassVar, NoReturn, cast

from dbos import DBOS, SetWorkflowID
from pydantic_ai.durable_exec.dbos import DBOSDurability

from streamtap import BaseSink, ResponseRecord, RunRecord, Tap, ToolRecord
from support.durable_agents import CALLS, SAYS, Place, durable_agent

if TYPE_CHECKING:
    from support.scripted import Turn


class Death(list[str]):
    """A turn in which the process is killed."""

    def __iter__(self) -> NoReturn:
        os._exit(9)


class Prints(BaseSink):
    """Prints what it is told, at once."""

    inline: ClassVar[bool] = True

    def run_ended(self, record: RunRecord) -> None:
        print(json.dumps(['run', [record.outcome, record.requests, record.tool_calls]]), flush=True)

    def response_ended(self, record: ResponseRecord) -> None:
        print(json.dumps(['response', [record.step, record.outcome, record.output_tokens]]), flush=True)

    def tool_ended(self, record: ToolRecord) -> None:
        print(json.dumps(['tool', [record.step, record.tool_call_id, record.outcome]]), flush=True)


def configure(database: str) -> None:
    """Make the process's DBOS, which listens nowhere and reports nothing."""
    DBOS(
        config={
            'name': 'streamtap-tests',
            'system_database_url': f'sqlite:///{database}',
            'enable_otlp': False,
            'log_level': 'CRITICAL',
        }
    )


def main(place: Place, database: str, *, turns: tuple[Turn, ...]) -> None:
    """Run the workflow, or wait for it where it is recovered."""
    configure(database)
    with Tap([Prints()]) as tap:
        agent, options = durable_agent(DBOSDurability, place, tap, *turns)

        @DBOS.workflow(name='sleep')
        async def sleep() -> str:
            return (await agent.run('Sleep', **options)).output

        async def run() -> None:
            with SetWorkflowID('night'):
                await sleep()

        DBOS.launch()
        asyncio.run(run())
        DBOS.destroy()


if __name__ == '__main__':
    _, where, path, how = sys.argv
    main(cast('Place', where), path, turns=(CALLS, Death()) if how == 'dies' else (SAYS,))
