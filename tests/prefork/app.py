"""What the workers run. The ledger has a line for each moment of a run, before and after the tap counts it."""

from __future__ import annotations

import asyncio
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, ClassVar

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from streamtap import BaseSink, PrometheusSink, Tap, metrics_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models.function import AgentInfo

    from streamtap import ResponseRecord, RunRecord, RunStart

LEDGER = os.open(os.environ['LEDGER'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)


class Ledger(BaseSink):
    """Appends a line for each moment of a run, by one write.

    Args:
        when: `before` or `after` the tap counts it.
    """

    inline: ClassVar[bool] = True

    def __init__(self, when: str) -> None:
        self._when = when

    def run_started(self, start: RunStart) -> None:
        """Write it down."""
        self._write('started', 1)

    def response_ended(self, record: ResponseRecord) -> None:
        """Write down what it says."""
        self._write('responses', 1)
        self._write('tokens', record.output_tokens or 0)
        self._write('gaps', 0 if record.inter_chunk_latencies is None else record.inter_chunk_latencies.total)

    def run_ended(self, record: RunRecord) -> None:
        """Write it down."""
        self._write('ended', 1)

    def _write(self, what: str, count: int) -> None:
        os.write(LEDGER, f'{os.getpid()} {self._when} {what} {count}\n'.encode())


silence = ContextVar[float]('silence')


async def say(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Answer in three chunks, silent after the first one."""
    yield 'one '
    await asyncio.sleep(silence.get())
    yield 'two '
    yield 'three'


tap = Tap([Ledger('before'), PrometheusSink(), Ledger('after')], stall_after=0.5, service_version='7')
agent = Agent(FunctionModel(stream_function=say), name='oracle', capabilities=[tap.capability(stream=True)])
app = FastAPI()
app.mount('/metrics', metrics_app())


@app.get('/run')
async def run(request: Request) -> PlainTextResponse:
    """Run the agent, silent in mid-stream for that many seconds; says which process did."""
    silence.set(float(request.query_params['seconds']))
    await agent.run('hello')
    return PlainTextResponse(str(os.getpid()))
