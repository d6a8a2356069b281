"""What the sinks receive when something begins; times are in nanoseconds since the Unix epoch."""

from collections.abc import Mapping
from dataclasses import dataclass

from streamtap._records.records import Door, ToolKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """A run began: who and when, and whether it has an `Objective`.

    `parent_tool_call_id` is as in `RunRecord`.
    """

    run_id: str
    conversation_id: str | None
    parent_run_id: str | None
    agent: str
    root_agent: str
    door: Door
    labels: Mapping[str, str]
    started_ns: int
    has_objective: bool = False
    parent_tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseStart:
    """A request to a model began: who and when."""

    run_id: str
    conversation_id: str | None
    step: int
    agent: str
    root_agent: str
    provider: str
    model: str
    door: Door
    labels: Mapping[str, str]
    started_ns: int
    streamed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStart:
    """A tool call began: who and when."""

    run_id: str
    conversation_id: str | None
    step: int
    agent: str
    tool: str
    tool_call_id: str
    kind: ToolKind
    labels: Mapping[str, str]
    started_ns: int
