"""Tools that wait for somebody: runs that end deferred, and runs that go on with what was decided."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic_ai import (
    ApprovalRequired,
    CallDeferred,
    DeferredToolRequests,
    DeferredToolResults,
    RunContext,
    Tool,
    ToolApproved,
    ToolDenied,
)
from pydantic_ai.capabilities import HandleDeferredToolCalls
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import ExternalToolset

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.replies import SHORT, calling

if TYPE_CHECKING:
    from support.doors import Door
    from truth.world import World

DEFERRED = Group('Tools that wait for somebody')

ASKS = calling(Call('risky', {}, id='a'))
ASKS_TWICE = calling(Call('risky', {}, id='a'), Call('nap', {}, id='b'))
OUTSIDE = calling(Call('outside', {}, id='a'))


def careful(w: World, **options: Any) -> Any:
    """An agent with a tool that needs somebody's approval, and one that does not."""
    return w.agent(
        tools=[Tool(w.tool('risky'), requires_approval=True), w.tool('nap')],
        output_type=[str, DeferredToolRequests],
        **options,
    )


def outsourced(w: World) -> Any:
    """An agent with a tool that somebody else runs."""
    tool = ToolDefinition(name='outside', parameters_json_schema={'type': 'object', 'properties': {}})
    return w.agent(toolsets=[ExternalToolset([tool])], output_type=[str, DeferredToolRequests])


async def decided(w: World, agent: Any, results: DeferredToolResults) -> None:
    """Run an agent until it waits, then go on with what was decided: a run of its own."""
    asked = await w.run(agent)
    await w.run(agent, None, message_history=asked.all_messages(), deferred_tool_results=results)


@DEFERRED.case([ASKS], Expected('deferred'))
async def approval(w: World) -> None:
    """A tool waits for an approval."""
    await w.run(careful(w))


@DEFERRED.case([ASKS_TWICE], Expected('deferred', tools=('nap success',)))
async def approval_beside_another(w: World) -> None:
    """A tool waits for an approval, another ran."""
    await w.run(careful(w))


@DEFERRED.case([OUTSIDE], Expected('deferred'))
async def external(w: World) -> None:
    """A tool is run by somebody else."""
    await w.run(outsourced(w))


PUT_OFF: dict[Door, dict[str, Any]] = {'capability': {'tools': ('later deferred',)}}
"""Other doors cannot tell a tool that ran and put itself off from one that never ran."""


@DEFERRED.case([calling(Call('later', {}))], Expected('deferred'), but=PUT_OFF)
async def puts_itself_off(w: World) -> None:
    """A tool finds out that it has to wait."""

    async def later() -> str:
        raise CallDeferred

    await w.run(w.agent(tools=[later], output_type=[str, DeferredToolRequests]))


@DEFERRED.case([ASKS, SHORT], Expected('deferred, success', requests=('success', 'success'), tools=('risky success',)))
async def approved(w: World) -> None:
    """The call is approved: the run that goes on makes it."""
    await decided(w, careful(w), DeferredToolResults(approvals={'a': ToolApproved()}))


@DEFERRED.case(
    [calling(Call('one', {}, id='a'), Call('two', {}, id='b')), SHORT],
    Expected('deferred, success', requests=('success', 'success'), tools=('one success', 'two success')),
    # Before the first request of a run its handler is shown a tool manager that knows no tools.
    but={'handler': {'tool_times': False}},
)
async def approved_one_by_one(w: World) -> None:
    """Two calls are approved, which must run one after the other."""
    tools = [Tool(w.tool(name), requires_approval=True, sequential=True) for name in ('one', 'two')]
    agent = w.agent(tools=tools, output_type=[str, DeferredToolRequests])
    await decided(w, agent, DeferredToolResults(approvals={'a': ToolApproved(), 'b': ToolApproved()}))


@DEFERRED.case([ASKS, SHORT], Expected('deferred, success', requests=('success', 'success'), tools=('risky denied',)))
async def denied(w: World) -> None:
    """The call is denied."""
    await decided(w, careful(w), DeferredToolResults(approvals={'a': ToolDenied('no')}))


@DEFERRED.case(
    [OUTSIDE, SHORT], Expected('deferred, success', requests=('success', 'success'), tools=('outside success',))
)
async def answered(w: World) -> None:
    """Somebody else ran the tool, and gives its result."""
    await decided(w, outsourced(w), DeferredToolResults(calls={'a': 'found'}))


@DEFERRED.case(
    [calling(Call('later', {}, id='a')), SHORT],
    Expected('deferred, success', requests=('success', 'success'), tools=('later success',)),
    but={'capability': {'tools': ('later deferred', 'later success')}},
)
async def asks_for_approval(w: World) -> None:
    """A tool that asks for approval itself is approved."""

    async def later(ctx: RunContext[Any]) -> str:
        if not ctx.tool_call_approved:
            raise ApprovalRequired
        with w.stamping('later'):
            await asyncio.sleep(0.05)
        return 'done'

    agent = w.agent(tools=[later], output_type=[str, DeferredToolRequests])
    await decided(w, agent, DeferredToolResults(approvals={'a': ToolApproved()}))


@DEFERRED.case([ASKS, SHORT], Expected(requests=('success', 'success'), tools=('risky success',)))
async def approved_inside(w: World) -> None:
    """A capability approves the call inside the run, after a while."""

    async def approve(ctx: Any, requests: DeferredToolRequests) -> DeferredToolResults:
        await asyncio.sleep(0.1)
        return DeferredToolResults(approvals={call.tool_call_id: ToolApproved() for call in requests.approvals})

    await w.run(careful(w, capabilities=[HandleDeferredToolCalls(approve)]))


@DEFERRED.case([ASKS, SHORT], Expected(requests=('success', 'success'), tools=('risky denied',)))
async def denied_inside(w: World) -> None:
    """A capability denies the call inside the run."""

    async def deny(ctx: Any, requests: DeferredToolRequests) -> DeferredToolResults:
        return DeferredToolResults(approvals={call.tool_call_id: ToolDenied('no') for call in requests.approvals})

    await w.run(careful(w, capabilities=[HandleDeferredToolCalls(deny)]))
