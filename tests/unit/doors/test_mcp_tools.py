"""Tools of an MCP server, which runs in this process; where `mcp` and pydantic-ai's extra for it are installed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from streamtap.testing import capture
from support.doors import DOORS
from support.event_readers import read
from support.scripted import Calls, agent

mcp: Any = pytest.importorskip('mcp.server')
toolsets: Any = pytest.importorskip('pydantic_ai.mcp', exc_type=ImportError)
exceptions: Any = pytest.importorskip('mcp.server.mcpserver.exceptions')


@pytest.mark.parametrize('door', DOORS)
def test_tools_of_a_server_are_tools(door: str):
    """With their names, how they ended, and the way to the server and back in their times."""
    server: Any = mcp.MCPServer('searches')
    took: list[float] = []

    async def search(query: str) -> str:
        started = time.perf_counter()
        await asyncio.sleep(0.05)
        took.append(time.perf_counter() - started)
        return f'nothing about {query}'

    async def fails() -> str:
        raise exceptions.ToolError('no')

    server.tool()(search)
    server.tool()(fails)

    async def main() -> None:
        turns = (
            [Calls('search', '{"query": "tides"}', 'a'), Calls('fails', id='b'), Calls('made_up', id='c')],
            [Calls('search', '{"query": 3}', 'a')],
            ['done'],
        )
        capabilities = [seen.tap.capability(stream=True)] if door == 'capability' else []
        made = agent(*turns, capabilities=capabilities, toolsets=[toolsets.MCPToolset(server)])
        if door == 'watch':
            await read(made, 'events', seen.tap.watch)
        else:
            await made.run('hello', event_stream_handler=seen.tap if door == 'handler' else None)

    with capture() as seen:
        asyncio.run(main())
        assert sorted((tool.tool, tool.outcome, tool.retry_cause or '') for tool in seen.tools()) == [
            ('_unknown', 'retried', 'unknown_tool'),
            ('fails', 'retried', 'model_retry'),
            ('search', 'retried', 'model_retry'),
            ('search', 'success', ''),
        ]
        (searched,) = [tool for tool in seen.tools() if tool.outcome == 'success']
        assert searched.duration is not None
        assert took[0] <= searched.duration < took[0] + 0.5
        assert [(run.outcome, run.tool_calls) for run in seen.runs()] == [('success', 3)]
        assert seen.faults() == []
