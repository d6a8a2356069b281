"""Which MCP server a tool is of, from the toolsets that a run's tool manager has."""

from __future__ import annotations

from typing import Literal, NamedTuple

from streamtap._base.names import clean
from streamtap._upstream.reading import read

DEEPEST = 16
"""How many toolsets around each other are looked into."""

_TOOLSETS = frozenset({'MCPToolset', 'MCPServer', 'FastMCPToolset'})
"""The classes of toolsets whose tools an MCP server runs, in the releases that have them."""


class McpServer(NamedTuple):
    """An MCP server: the id that the user gave it, or else its own name, and how it is talked to."""

    name: str | None
    protocol_version: str | None
    transport: Literal['http', 'stdio'] | None


def mcp_server_of(manager: object, tool: str) -> McpServer | None:
    """The server that runs a tool; `None` for a tool of any other kind, or if that cannot be seen."""
    tools = read(manager, 'tools')
    toolset = _source(tools.get(tool)) if isinstance(tools, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    for _ in range(DEEPEST):
        if toolset is None:
            return None
        if _is_mcp(toolset):
            return _server(toolset)
        toolset = read(toolset, 'wrapped')
    return None


def _source(tool: object) -> object:
    """The toolset that a tool came from, before several were combined."""
    for _ in range(DEEPEST):
        source = read(tool, 'source_tool')
        if source is None:
            break
        tool = source
    return read(tool, 'toolset')


def _is_mcp(toolset: object) -> bool:
    return any(
        each.__name__ in _TOOLSETS and each.__module__.startswith('pydantic_ai.') for each in type(toolset).__mro__
    )


def _server(toolset: object) -> McpServer:
    client = read(toolset, 'client')
    # An id that pydantic-ai made of the server's URL is none that the user chose, and is kept out of telemetry there, too.
    chosen = read(toolset, '_explicit_id') if hasattr(type(toolset), '_explicit_id') else read(toolset, 'id')
    name = chosen or read(read(toolset, 'server_info'), 'name')
    version = read(client, 'protocol_version') or read(read(client, 'initialize_result'), 'protocolVersion')
    return McpServer(
        name=clean(name) if isinstance(name, str) and name else None,
        protocol_version=clean(version) if isinstance(version, str) and version else None,
        transport=_transport(read(client, 'transport')),
    )


def _transport(transport: object) -> Literal['http', 'stdio'] | None:
    names = {each.__name__ for each in type(transport).__mro__}
    if names & {'StreamableHttpTransport', 'SSETransport'}:
        return 'http'
    return 'stdio' if 'StdioTransport' in names else None
