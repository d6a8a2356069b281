"""The agents of one loop: for each way to run them one that calls others, and one that is called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent, CancellationToken, ModelRetry, RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import ToolFailed

from soak.account import account
from soak.plan import draw
from soak.run_log import CANCELLED, SUCCESS, End, RunLog, end_of
from soak.ways import WAYS, arguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import ModelRequestContext
    from pydantic_ai.run import AgentRunResult

    from soak.ledger import Ledger
    from soak.ways import Way
    from streamtap import Tap

ROLES = ('planner', 'helper')


class Witness(AbstractCapability[RunLog]):
    """Tells the ledger what pydantic-ai tells any capability, as a run that is stopped stops telling somewhere.

    Args:
        ends_runs: Whether that is all that the door is told of its end, too.
    """

    def __init__(self, *, ends_runs: bool) -> None:
        self._ends_runs = ends_runs

    async def wrap_run(
        self, ctx: RunContext[RunLog], *, handler: Callable[[], Awaitable[AgentRunResult[Any]]]
    ) -> AgentRunResult[Any]:
        run_log = ctx.deps
        run_log.was_started = True
        try:
            result = await handler()
        except BaseException as error:
            self._told(run_log, end_of(error))
            raise
        self._told(run_log, SUCCESS)
        return result

    async def prepare_model_request(
        self, ctx: RunContext[RunLog], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        ctx.deps.prepared += 1
        ctx.deps.history = ctx.messages
        return request_context

    async def after_model_request(
        self, ctx: RunContext[RunLog], *, request_context: ModelRequestContext, response: ModelResponse
    ) -> ModelResponse:
        # A response whose last event was not read on from is none that pydantic-ai calls complete.
        if ctx.deps.told is None and response.state == 'complete':
            ctx.deps.answers += 1
        return response

    def _told(self, run_log: RunLog, end: End) -> None:
        if self._ends_runs:
            run_log.told = end
            run_log.history = tuple(run_log.history)


class LoopAgents:
    """Runs agents, and writes into a ledger what happened.

    Args:
        tap: What they are measured with.
        ledger: What happened.
    """

    def __init__(self, tap: Tap, ledger: Ledger) -> None:
        self._tap = tap
        self._ledger = ledger
        self._agents = {(way.name, role): self._made(way, role) for way in WAYS for role in ROLES}

    def agent(self, way: Way, role: str) -> Agent[RunLog, str]:
        """The agent of that role that is run that way."""
        return self._agents[way.name, role]

    async def run(self, way: Way, run_log: RunLog) -> None:
        """Run a plan to its end, whatever its end, and enter it into the ledger."""
        plan = run_log.plan
        token = CancellationToken() if plan.stop is not None and plan.stop.by == 'token' else None
        role = ROLES[run_log.agent != run_log.root]
        run = way.run(self._tap, self.agent(way, role), run_log, arguments(run_log, token))
        try:
            if plan.stop is None:
                run_log.was_left = await run
            else:
                task = asyncio.ensure_future(run)
                await _turns(task, run_log, plan.stop.after, in_rounds=way.tells_rounds)
                if token is None:
                    task.cancel()
                else:
                    token.cancel()
                run_log.was_left = await task
            run_log.end = CANCELLED if run_log.was_left else SUCCESS
        except BaseException as error:
            run_log.end = end_of(error)
            raise
        finally:
            self._ledger.enter(account(way, run_log))

    async def delegate(self, caller: RunLog) -> str:
        """Run another agent for a run that calls a tool; whatever becomes of it is no failure of the caller's."""
        rng = caller.rng
        is_cut_off = caller.plan.stop is not None or caller.plan.leaves_after is not None
        # Of a round that is cut off, only whoever reads its events knows how far it had got.
        way = rng.choice([way for way in WAYS if not is_cut_off or way.tells_rounds])
        run_log = RunLog(
            draw(rng, depth=1, is_cut_off=is_cut_off), name(way, 'helper'), caller.root, rng, caller.number
        )
        try:
            await self.run(way, run_log)
        except Exception as error:
            return f'failed: {type(error).__name__}'
        return 'done'

    def _made(self, way: Way, role: str) -> Agent[RunLog, str]:
        capabilities: list[Any] = [] if way.door == 'handler' else [Witness(ends_runs=way.door == 'capability')]
        if way.capability is not None:
            capabilities.append(self._tap.capability(stream=way.capability.get('stream', False)))
        agent = Agent(
            name=name(way, role),
            deps_type=RunLog,
            output_type=str,
            capabilities=capabilities,
            retries=9,
            defer_model_check=True,
        )

        @agent.tool
        async def work(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('work', ctx.tool_call_id):
                for _ in range(ctx.deps.rng.randint(0, 8)):
                    await asyncio.sleep(0)
                return 'done'

        @agent.tool
        async def again(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('again', ctx.tool_call_id):
                await asyncio.sleep(0)
                raise ModelRetry('again')

        @agent.tool
        async def gives_up(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('gives_up', ctx.tool_call_id):
                await asyncio.sleep(0)
                raise ToolFailed('no')

        @agent.tool
        async def breaks(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('breaks', ctx.tool_call_id):
                for _ in range(3):
                    await asyncio.sleep(0)
                raise RuntimeError('the tool broke')

        @agent.tool
        async def endless(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('endless', ctx.tool_call_id):
                await asyncio.sleep(3600)
                return 'never'

        @agent.tool
        async def delegate(ctx: RunContext[RunLog]) -> str:
            with ctx.deps.tool('delegate', ctx.tool_call_id):
                return await self.delegate(ctx.deps)

        return agent


def name(way: Way, role: str) -> str:
    """The agent's name."""
    return f'{role} by {way.name}'


async def _turns(task: asyncio.Future[bool], run_log: RunLog, count: int, *, in_rounds: bool) -> None:
    """Wait for so many turns of the loop, and if need be for the end of the round of tools."""
    while not task.done() and (count > 0 or (run_log.is_in_round and not in_rounds)):
        count -= 1
        await asyncio.sleep(0)
