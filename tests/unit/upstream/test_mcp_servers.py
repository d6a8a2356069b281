"""Which MCP server a tool is of, as toolsets tell; where pydantic-ai's extra for it is installed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from streamtap._upstream.mcp_servers import McpServer, mcp_server_of

toolsets: Any = pytest.importorskip('pydantic_ai.mcp', exc_type=ImportError)
transports: Any = pytest.importorskip('fastmcp.client.transports')


def manager_of(toolset: object) -> SimpleNamespace:
    return SimpleNamespace(tools={'find': SimpleNamespace(toolset=toolset)})


@pytest.mark.parametrize(
    ('client', 'transport'),
    [
        ('http://tenant.example.com/mcp', 'http'),
        ('http://tenant.example.com/sse', 'http'),
        (lambda: transports.StdioTransport('server', []), 'stdio'),
    ],
)
def test_how_a_server_is_reached_is_known_and_its_address_is_not(client: Any, transport: Any):
    """Not even as the id that pydantic-ai makes of its URL; before it is connected to it has no name of its own."""
    toolset = toolsets.MCPToolset(client if isinstance(client, str) else client())
    assert mcp_server_of(manager_of(toolset), 'find') == McpServer(None, None, transport)


@pytest.mark.parametrize(
    'manager',
    [
        None,
        SimpleNamespace(tools=None),
        SimpleNamespace(tools={}),
        manager_of(None),
        manager_of(SimpleNamespace(wrapped=None)),
    ],
)
def test_any_other_tool_is_of_none(manager: object):
    """Also where nobody knows the tools."""
    assert mcp_server_of(manager, 'find') is None


def test_toolsets_around_each_other_for_ever_end():
    """A loop of them is somebody's mistake, and not the tap's."""
    toolset = SimpleNamespace()
    toolset.wrapped = toolset
    tool = SimpleNamespace(toolset=toolset)
    tool.source_tool = tool
    assert mcp_server_of(SimpleNamespace(tools={'find': tool}), 'find') is None
