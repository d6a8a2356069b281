"""What is open at one moment: an immutable snapshot for gauges, live views and progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import Door, ToolKind


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRun:
    """An open run; `age` in seconds.

    `parent_tool_call_id` is as in `RunRecord`. `is_unseen` is whether the rest of an answer is not seen: `run_stream()` shows
    its handler nothing after the final result began.
    """

    run_id: str
    parent_run_id: str | None
    agent: str
    root_agent: str
    door: Door
    labels: Mapping[str, str]
    age: float
    parent_tool_call_id: str | None = None
    is_unseen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveResponse:
    """An open request.

    `wait` is how long the model has been silent, or `None` while the consumer holds the stream, while a native tool
    runs, or if the request is not streamed. `window` is the time from the first chunk to the latest one, excluding
    native tools. `stalled` names the stage of a wait that is past its threshold. `since_first_chunk` is how long ago the
    first chunk came, and `None` before that; `since_first_output` the same of the first that is not thinking. `longest_wait`
    is the longest silence between two chunks so far.
    """

    run_id: str
    agent: str
    provider: str
    model: str
    labels: Mapping[str, str]
    streamed: bool
    age: float | None
    wait: float | None
    chunks: int
    window: float | None
    stalled: Literal['first_token', 'mid_stream'] | None
    since_first_chunk: float | None = None
    since_first_output: float | None = None
    longest_wait: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTool:
    """An open tool call; `age` in seconds."""

    run_id: str
    agent: str
    tool: str
    kind: ToolKind
    labels: Mapping[str, str]
    age: float
    tool_call_id: str = ''


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """Everything open at one moment, oldest first."""

    runs: tuple[LiveRun, ...] = ()
    responses: tuple[LiveResponse, ...] = ()
    tools: tuple[LiveTool, ...] = ()
