"""What the sinks receive of a tool call."""

from dataclasses import dataclass, field

from streamtap._records.bounds import (
    Count,
    Entries,
    Flag,
    Seconds,
    Stamp,
    Text,
)
from streamtap._records.words import (
    ToolKind,
    ToolOutcome,
    Transport,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class McpRecord:
    """The MCP server that a tool is of.

    `server` is the id that you gave it, else the name that it gives itself. Its address is not recorded.
    """

    server: Text | None = None
    protocol_version: Text | None = None
    transport: Transport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecord:
    """One call of a function, MCP, output or native tool; `duration` is the tool's own execution.

    It is `None` where that was not seen, and for a call that was interrupted: nobody knows how long it would have taken.

    `repeated` says that at least two calls before it in its run were of the same tool with the same arguments: a loop.
    Only function and MCP tools that ran are compared. `request_tokens` is its equal share of the tokens of the request that
    asked for it and other calls: what a repeated call took besides its time. `mcp` is there for tools of the kind `mcp`.
    """

    run_id: Text
    conversation_id: Text | None = None
    step: Count
    agent: Text
    tool: Text
    tool_call_id: Text
    kind: ToolKind
    mcp: McpRecord | None = None
    labels: Entries[Text] = field(default_factory=dict[str, str])
    started_ns: Stamp
    duration: Seconds | None
    outcome: ToolOutcome
    retry_cause: Text | None = None
    repeated: Flag = False
    request_tokens: Count | None = None
    error_type: Text | None = None
    trace_id: Text | None = None
    span_id: Text | None = None
