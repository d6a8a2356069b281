"""What the conventions call the facts about the MCP server of a tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.otel import semconv as names

if TYPE_CHECKING:
    from streamtap._records.records import McpRecord

_TRANSPORTS: dict[str | None, tuple[str, str | None]] = {'http': ('tcp', 'http'), 'stdio': ('pipe', None)}
"""The network's transport, and the protocol on it, of each way to reach a server."""


def called_by_mcp(server: McpRecord) -> dict[str, str]:
    """The attributes of a call of a tool that an MCP server runs."""
    transport, protocol = _TRANSPORTS.get(server.transport, (None, None))
    found = {
        names.MCP_METHOD: names.TOOLS_CALL,
        names.MCP_PROTOCOL_VERSION: server.protocol_version,
        names.NETWORK_TRANSPORT: transport,
        names.NETWORK_PROTOCOL: protocol,
    }
    return {name: value for name, value in found.items() if value is not None}
