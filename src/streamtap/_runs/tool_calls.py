"""A run's tool calls: those in progress, and the records they become."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._records.failed import FAILED_TOOLS
from streamtap._records.records import LoopRecord, McpRecord, ToolOutcome, ToolRecord
from streamtap._records.starts import ToolStart
from streamtap._upstream import known_tools
from streamtap._upstream.mcp_servers import mcp_server_of

if TYPE_CHECKING:
    from streamtap._base.clock import Moments
    from streamtap._delivery.tracing import GuardedTrace, ToolTrace
    from streamtap._meter.parts import NativeCall
    from streamtap._meter.phases import PhaseClock
    from streamtap._records.records import RunOutcome, ToolKind
    from streamtap._runs.failures import FailuresOfRun
    from streamtap._runs.identity import RunIdentity
    from streamtap._runs.prompts import Prompt
    from streamtap._runs.shared import Shared
    from streamtap._upstream.stream_events import ToolResult

REPEATED_AFTER = 2
"""How many calls of a tool with the same arguments a run may make before another is a repetition."""

COULD_END_RUN: tuple[ToolOutcome, ...] = (*FAILED_TOOLS, 'retried')
"""The outcomes after which a run may end: a tool that is sent back once too often ends it."""

MAX_FINGERPRINTS = 10_000
"""How many different calls of a run are remembered, to compare others with them."""


NO_LOOPS = LoopRecord()


@dataclass(slots=True)
class OpenTool:
    """A tool call in progress; `executed` is when its execution ended, if its result is still to come."""

    tool: str
    tool_call_id: str
    kind: ToolKind
    step: int
    started: float
    executed: float | None = None
    repeated: bool = False
    span: ToolTrace | None = None
    mcp: McpRecord | None = None


@dataclass(slots=True, eq=False)
class ToolCalls:
    """The tool calls of one run.

    Args:
        identity: The run that they belong to.
        moments: Converts between the clocks.
        phases: Counts the time in which any of them ran.
        trace: Makes their spans.
        shared: What all runs share.
        failures: What failed in the run.
        answered_since: The tools that got a result since the last prompt.
    """

    identity: RunIdentity
    moments: Moments
    phases: PhaseClock
    trace: GuardedTrace
    shared: Shared
    failures: FailuresOfRun
    answered_since: set[str]
    open: dict[str, OpenTool] = field(default_factory=dict[str, OpenTool])
    executed: int = 0
    """How many calls of function and MCP tools ran."""
    outputs_sent_back: int = 0
    """How many outputs of output tools the model has to make again."""
    fingerprints: Counter[int] = field(default_factory=Counter[int])
    """How many calls of function tools had each tool and arguments."""
    repeated_calls: int = 0
    """How many calls repeated others, and what the run spent on them."""
    repeated_seconds: float = 0.0
    repeated_tokens: int = 0
    share: int | None = None
    """The tokens of the latest request, shared equally among the calls that it asked for."""
    manager: object = None
    """What knows the run's tools, if a door has seen it."""

    def asked(self, prompt: Prompt | None, calls: int) -> None:
        """A response asked for calls.

        Args:
            prompt: Its prompt; `None` where its tokens are not known.
            calls: How many.
        """
        tokens = None if prompt is None else prompt.usage.input_tokens + prompt.usage.output_tokens
        self.share = None if tokens is None or not calls else tokens // calls

    def judged(self, tool: str, result: object) -> tuple[ToolOutcome, str | None]:
        """How a call that returned ended, as the user reads its result, and the type of error if it failed."""
        error_type = self.shared.tool_errors(tool, result)
        return ('success', None) if error_type is None else ('failed', error_type)

    @property
    def is_executing(self) -> bool:
        """Whether a call is being executed."""
        return any(call.executed is None for call in self.open.values())

    @property
    def loops(self) -> LoopRecord:
        """What the run has spent on calls that repeat others."""
        if not self.repeated_calls:
            return NO_LOOPS
        return LoopRecord(calls=self.repeated_calls, seconds=self.repeated_seconds, tokens=self.repeated_tokens)

    def name_of(self, name: str) -> str:
        """The name under which a tool is reported: its own, or `_unknown` if the run does not know it."""
        return known_tools.known_tool(self.manager, name)

    def describe(self, name: str) -> tuple[str, bool]:
        """The name under which a tool is reported, and whether a call of it is the run's final output."""
        return self.name_of(name), known_tools.is_output_tool(self.manager, name)

    def begin(
        self,
        tool: str,
        tool_call_id: str,
        *,
        step: int,
        started: float,
        kind: ToolKind = 'function',
        fingerprint: int | None = None,
    ) -> OpenTool:
        """A tool of the application begins to run.

        Args:
            tool: Its name.
            tool_call_id: The id of the call.
            step: The step of the response that asked for it.
            started: When it began.
            kind: `output` if it is the run's output; a function tool that an MCP server runs is known as one.
            fingerprint: What calls with the same arguments share, if they are to be compared.
        """
        call = self._described(
            OpenTool(tool, tool_call_id, kind, step, started, repeated=self._is_repeated(fingerprint))
        )
        self.open[tool_call_id] = call
        self.shared.out.tool_started(
            ToolStart(
                run_id=self.identity.run_id,
                conversation_id=self.identity.conversation_id,
                step=step,
                agent=self.identity.agent,
                tool=tool,
                tool_call_id=clean(tool_call_id),
                kind=call.kind,
                labels=self.identity.labels,
                started_ns=self.moments.to_unix_ns(started),
            )
        )
        return call

    def _described(self, call: OpenTool) -> OpenTool:
        """The call, with the MCP server that its tool is of, if it is of one."""
        server = mcp_server_of(self.manager, call.tool) if call.kind == 'function' else None
        if server is not None:
            call.kind = 'mcp'
            call.mcp = McpRecord(
                server=self.shared.redact.if_known('mcp_server', server.name),
                protocol_version=server.protocol_version,
                transport=server.transport,
            )
        return call

    def _is_repeated(self, fingerprint: int | None) -> bool:
        if fingerprint is None:
            return False
        before = self.fingerprints[fingerprint]
        if before or len(self.fingerprints) < MAX_FINGERPRINTS:
            self.fingerprints[fingerprint] = before + 1
        return before >= REPEATED_AFTER

    def forget(self, call: OpenTool) -> None:
        """The call did not run after all: it waits for a decision, and is counted when it runs."""
        self.open.pop(call.tool_call_id, None)

    def end(
        self,
        call: OpenTool,
        outcome: ToolOutcome,
        *,
        cause: str | None = None,
        error_type: str | None = None,
        interval: tuple[float, float] | None,
    ) -> None:
        """A call that ran is over; ending it twice counts once.

        Args:
            call: The call.
            outcome: How it ended.
            cause: Why the model is asked to call again, if it is.
            error_type: The type of exception that the tool raised, if it did.
            interval: When its execution began and ended, or `None` if that could not be observed.
        """
        if self.open.pop(call.tool_call_id, None) is not call:
            return
        duration = None
        if interval is not None:
            self.phases.tool(*interval)
            if outcome != 'interrupted':
                duration = max(0.0, interval[1] - interval[0])
        # A deferred call is counted when it runs to its end.
        if call.kind in ('function', 'mcp') and outcome != 'deferred':
            self.executed += 1
        if interval is not None:
            call.started = interval[0]
        ended = None if interval is None else interval[1]
        self._report(call, outcome, cause=cause, error_type=error_type, duration=duration, ended=ended)

    def end_all(self, run_outcome: RunOutcome, error_type: str | None, now: float) -> None:
        """The run is over, and with it every call that is still open.

        An output tool that was executed but got no result event ended as the run did: `run_stream()` emits none for it.
        """
        for call in list(self.open.values()):
            interval = (call.started, now if call.executed is None else call.executed)
            if call.executed is not None and run_outcome in ('success', 'error'):
                self.end(call, run_outcome, error_type=error_type, interval=interval)
            else:
                self.end(call, 'interrupted', interval=interval)

    def refused(self, result: ToolResult, *, step: int, now: float) -> None:
        """A call got a result without running here: refused, denied, unknown, or answered from outside.

        A call that pydantic-ai skipped because the run has its final result is a `success`, too, but not reported.
        """
        outside = known_tools.is_answered_outside(self.manager, result.tool)
        if outside is None:
            # A run that is resumed with results from outside starts with them, before its tool manager knows any tool.
            outside = step == 0
        if result.outcome == 'success' and not outside:
            return
        self.answered(result, step=step, now=now)

    def answered(self, result: ToolResult, *, step: int, now: float, was_executed: bool = False) -> None:
        """A call got a result; how long it was executed is not known, and if it was, it gets its span."""
        name = known_tools.UNKNOWN_TOOL if result.cause == 'unknown_tool' else self.name_of(result.tool)
        shown = self._described(OpenTool(name, result.tool_call_id, result.kind, step, now))
        outcome, error_type = result.outcome, result.error_type
        if outcome == 'success' and result.kind == 'function':
            outcome, error_type = self.judged(name, result.content)
        self._report(
            shown,
            outcome,
            cause=result.cause,
            error_type=error_type,
            duration=None,
            ended=now if was_executed else None,
        )

    def native(self, call: NativeCall, *, step: int) -> None:
        """A call of a tool that the provider ran; one that never returned was interrupted."""
        ended = call.ended
        if ended is None:
            outcome: ToolOutcome = 'interrupted'
        else:
            outcome = 'success' if call.succeeded else 'failed'
        duration = None if ended is None else max(0.0, ended - call.started)
        shown = OpenTool(call.tool, call.tool_call_id, 'native', step, call.started)
        self._report(shown, outcome, cause=None, error_type=None, duration=duration)

    def _report(
        self,
        call: OpenTool,
        outcome: ToolOutcome,
        *,
        cause: str | None,
        error_type: str | None,
        duration: float | None,
        ended: float | None = None,
    ) -> None:
        if call.kind == 'output' and outcome == 'retried':
            self.outputs_sent_back += 1
        error_type = self.shared.redact.if_known('error_type', error_type)
        tokens = self.share if call.kind in ('function', 'mcp', 'output') else None
        self._note(call, outcome, error_type=error_type, duration=duration, tokens=tokens)
        record = self.trace.tool_ended(
            ToolRecord(
                run_id=self.identity.run_id,
                conversation_id=self.identity.conversation_id,
                step=call.step,
                agent=self.identity.agent,
                tool=call.tool,
                tool_call_id=clean(call.tool_call_id),
                kind=call.kind,
                mcp=call.mcp,
                labels=self.identity.labels,
                started_ns=self.moments.to_unix_ns(call.started),
                duration=duration,
                outcome=outcome,
                retry_cause=cause,
                repeated=call.repeated,
                request_tokens=tokens,
                error_type=error_type,
            ),
            call.span,
            None if ended is None else self.moments.to_unix_ns(ended),
        )
        self.shared.out.tool_ended(record)

    def _note(
        self,
        call: OpenTool,
        outcome: ToolOutcome,
        *,
        error_type: str | None,
        duration: float | None,
        tokens: int | None,
    ) -> None:
        """Note what the run's own record says of its tools."""
        if call.repeated:
            self.repeated_calls += 1
            self.repeated_seconds += duration or 0.0
            self.repeated_tokens += tokens or 0
        if call.kind != 'native' and outcome not in ('deferred', 'interrupted'):
            self.answered_since.add(call.tool)
        self.failures.step(call.step)
        if outcome in COULD_END_RUN:
            ended = inf if duration is None else call.started + duration
            self.failures.add('tool', call.tool, step=call.step, error_type=error_type, began=call.started, ended=ended)
        elif outcome == 'interrupted' and call.kind != 'native' and call.executed is None:
            self.failures.interrupted('tool', call.tool, step=call.step)
