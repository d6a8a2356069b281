"""A library as an MCP server over stdio; `agent.py` starts it."""

import asyncio

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer('library', log_level='WARNING')
refusals = iter([ToolError('Somebody is looking at it: ask again.')])


@server.tool()
async def find(title: str) -> str:
    """Find a book."""
    await asyncio.sleep(0.3)
    return f'{title} is on shelf 7.'


@server.tool()
async def reserve(title: str) -> str:
    """Reserve a book, which is refused the first time."""
    if refusal := next(refusals, None):
        raise refusal
    return f'{title} is yours.'


if __name__ == '__main__':
    server.run()
