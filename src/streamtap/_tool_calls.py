"""A run's tool calls: those that run now, and the records they become."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap import _upstream
from streamtap._records import ToolRecord, ToolStart

if TYPE_CHECKING:
    from streamtap._guarded_trace import GuardedTrace
    from streamtap._meter import NativeCall
    from streamtap._phases import PhaseClock
    from streamtap._records import ToolKind, ToolOutcome
    from streamtap._surroundings import Owner, Surroundings
    from streamtap._tracing import ToolTrace


@dataclass(slots=True)
class OpenTool:
    """A call of a tool that goes on."""

    tool: str
    tool_call_id: str
    kind: ToolKind
    step: int
    started: float


@dataclass(slots=True, eq=False)
class ToolCalls:
    """The tool calls of one run.

    Args:
        owner: Whose they are.
        around: What all runs share.
        phases: Takes the time in which any of them ran.
        trace: Makes their spans.
    """

    owner: Owner
    around: Surroundings
    phases: PhaseClock
    trace: GuardedTrace
    open: dict[str, OpenTool] = field(default_factory=dict[str, OpenTool])
    executed: int = 0
    """Function tools that ran."""
    outputs_sent_back: int = 0
    """Calls of output tools whose output the model has to make again."""

    def begin(self, tool: str, tool_call_id: str, *, step: int, started: float) -> OpenTool:
        """A function tool begins to run."""
        call = OpenTool(tool, tool_call_id, 'function', step, started)
        self.open[tool_call_id] = call
        self.around.out.tool_started(
            ToolStart(
                run_id=self.owner.run_id,
                conversation_id=self.owner.conversation_id,
                step=step,
                agent=self.owner.agent,
                tool=tool,
                tool_call_id=tool_call_id,
                kind='function',
                labels=self.owner.labels,
                started_ns=self.around.moments.to_unix_ns(started),
            )
        )
        return call

    def forget(self, call: OpenTool) -> None:
        """The call did not run after all: it waits for somebody's decision and is counted when it runs."""
        self.open.pop(call.tool_call_id, None)

    def end(
        self,
        call: OpenTool,
        outcome: ToolOutcome,
        *,
        cause: str | None = None,
        error_type: str | None = None,
        interval: tuple[float, float] | None,
        span: ToolTrace | None = None,
    ) -> None:
        """A call of a tool that ran is over.

        Args:
            call: The call.
            outcome: How it ended.
            cause: Why the model is asked to call again, if it is.
            error_type: What the tool raised, if it did.
            interval: When its execution began and ended, or `None` if that could not be observed.
            span: The span around its execution, if that was seen.
        """
        self.open.pop(call.tool_call_id, None)
        duration = None
        if interval is not None:
            self.phases.tool(*interval)
            if outcome != 'interrupted':
                duration = interval[1] - interval[0]
        if call.kind == 'function':
            self.executed += 1
        if interval is not None:
            call.started = interval[0]
        self._report(call, outcome, cause=cause, error_type=error_type, duration=duration, span=span)

    def refuse(
        self,
        tool: str,
        tool_call_id: str,
        kind: ToolKind,
        *,
        step: int,
        outcome: ToolOutcome,
        cause: str | None,
        now: float,
    ) -> None:
        """A call got its result without running here: denied, wrong arguments, unknown, or answered from outside."""
        name = _upstream.UNKNOWN_TOOL if cause == 'unknown_tool' else tool
        self._report(
            OpenTool(name, tool_call_id, kind, step, now), outcome, cause=cause, error_type=None, duration=None
        )

    def native(self, call: NativeCall, *, step: int) -> None:
        """A call of a tool that the provider ran is over; one that never returned was interrupted."""
        ended = call.ended
        if ended is None:
            outcome: ToolOutcome = 'interrupted'
        else:
            outcome = 'success' if call.succeeded else 'failed'
        duration = None if ended is None else ended - call.started
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
        span: ToolTrace | None = None,
    ) -> None:
        if call.kind == 'output' and outcome == 'retried':
            self.outputs_sent_back += 1
        record = self.trace.tool_ended(
            ToolRecord(
                run_id=self.owner.run_id,
                conversation_id=self.owner.conversation_id,
                step=call.step,
                agent=self.owner.agent,
                tool=call.tool,
                tool_call_id=call.tool_call_id,
                kind=call.kind,
                labels=self.owner.labels,
                started_ns=self.around.moments.to_unix_ns(call.started),
                duration=duration,
                outcome=outcome,
                retry_cause=cause,
                error_type=error_type,
            ),
            span,
        )
        self.around.out.tool_ended(record)
