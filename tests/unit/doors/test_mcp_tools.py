"""Tools of an MCP server, which runs in this process; where `mcp` and pydantic-ai's extra for it are installed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from streamtap import McpRecord
from streamtap.testing import capture
from support.doors import DOORS, HANDLER_AND_CAPABILITY
from support.event_readers import read
from support.scripted import Calls, agent
from support.traced_tap import Traced, traced

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
        assert {(tool.tool, tool.kind) for tool in seen.tools()} == {
            ('_unknown', 'function'),
            ('fails', 'mcp'),
            ('search', 'mcp'),
        }
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


def plain(toolset: Any) -> Any:
    return toolset


def prefixed(toolset: Any) -> Any:
    return toolset.prefixed('my')


def filtered(toolset: Any) -> Any:
    def is_find(_: object, tool: Any) -> bool:
        return tool.name == 'find'

    return toolset.filtered(is_find)


NAMES: dict[str, tuple[Any, str, str]] = {
    'as it calls itself': (plain, 'find', 'library'),
    'as you call it': (plain, 'find', 'books'),
    'behind a prefix': (prefixed, 'my_find', 'library'),
    'filtered': (filtered, 'find', 'library'),
}


def find_books(found: Traced, door: str, name: str, *, native: bool = False) -> str:
    """A run that calls one tool of a server, and one of its own; returns the name of the former."""
    server: Any = mcp.MCPServer('library')

    async def find() -> str:
        return 'shelf 7'

    server.tool()(find)
    wrapped, tool, called = NAMES[name]
    toolset = toolsets.MCPToolset(server, id=called if name == 'as you call it' else None)
    capabilities, arguments = found.plugged(door)
    made = agent(
        [Calls(tool, id='a'), Calls('nap', id='b')], ['done'], capabilities=capabilities, toolsets=[wrapped(toolset)]
    )
    if native:
        made.instrument = found.native
    asyncio.run(made.run('hello', **arguments))
    found.tap.close()
    return tool


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
def test_a_tool_says_which_server_runs_it(door: str, name: str):
    """By the id that you gave it, else by its own name."""
    found = traced()
    tool = find_books(found, door, name)
    (record,) = [each for each in found.memory.tools if each.tool == tool]
    assert record.mcp is not None
    version = record.mcp.protocol_version
    assert record.mcp == McpRecord(server=NAMES[name][2], protocol_version=version, transport=None)
    assert [(each.kind, each.mcp) for each in found.memory.tools if each.tool == 'nap'] == [('function', None)]


TYPE = 'gen_ai.tool.type'


@pytest.mark.parametrize('name', NAMES)
def test_a_tools_span_says_which_server_runs_it(name: str):
    """As the conventions want it; the handler does not always know when a tool ran, and then it has no span."""
    found = traced()
    tool = find_books(found, 'capability', name)
    (version,) = {each.mcp.protocol_version for each in found.memory.tools if each.mcp is not None}
    spans = {span.name: span.attributes or {} for span in found.spans()}
    of_tool = {key: value for key, value in spans[f'execute_tool {tool}'].items() if 'mcp.' in key or key == TYPE}
    assert of_tool == {
        TYPE: 'function',
        'mcp.method.name': 'tools/call',
        'mcp.protocol.version': version,
        'streamtap.mcp.server': NAMES[name][2],
    }
    assert not [key for key in spans['execute_tool nap'] if 'mcp.' in key]


def test_pydantic_ais_own_span_of_a_tool_gets_its_server():
    """From the capability, which sees it; the handler does not, and nothing else is changed on it."""
    found, without = traced(), traced()
    find_books(found, 'capability', 'as you call it', native=True)
    find_books(without, 'handler', 'as you call it', native=True)
    (added,), (plain,) = ([s for s in each.spans() if s.name == 'execute_tool find'] for each in (found, without))
    more = {key: value for key, value in (added.attributes or {}).items() if key not in (plain.attributes or {})}
    assert more.pop('mcp.protocol.version')
    assert more == {'mcp.method.name': 'tools/call', 'streamtap.mcp.server': 'books'}
    assert set(plain.attributes or {}) <= set(added.attributes or {})


def test_redact_is_asked_for_the_server():
    """It may be called after a tenant."""

    def hide(field: str, text: str) -> str:
        return 'hidden' if field == 'mcp_server' else text

    found = traced(redact=hide)
    find_books(found, 'capability', 'as you call it')
    assert [each.mcp.server for each in found.memory.tools if each.mcp is not None] == ['hidden']
