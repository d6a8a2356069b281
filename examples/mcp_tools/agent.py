"""An agent with the tools of an MCP server, which it starts itself and speaks to over stdio.

Look at the tools: those of the server are measured as those of your own are, with the way there and back in their time.
What the server refuses is `retried`, because the model may ask again; the time of such a call counts, too.
Tutorials pass `mcp_servers=[MCPServerStdio(...)]`; today it is `toolsets=[MCPToolset(...)]`, for a URL as well.
"""

import asyncio
from pathlib import Path

from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.test import TestModel

from streamtap import BaseSink, Tap, ToolRecord, UsageSink


class Tools(BaseSink):
    """Prints each tool call."""

    def tool_ended(self, record: ToolRecord) -> None:
        """A tool call ended."""
        print(f'{record.tool:8}  {record.duration or 0:.1f} s  {record.outcome}  {record.retry_cause or ""}'.rstrip())


async def main() -> None:
    """Run once; the agent's block starts the server, so that no tool call has to wait for that."""
    async with Tap([Tools(), UsageSink()]) as tap:
        library = MCPToolset(Path(__file__).with_name('server.py'), init_timeout=30)
        agent = Agent(TestModel(), name='librarian', toolsets=[library], capabilities=[tap.capability()])
        async with agent:
            await agent.run('Momo, please')
    print(tap.usage.summary())


if __name__ == '__main__':
    asyncio.run(main())
