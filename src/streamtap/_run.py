"""One open run: its requests, its tool calls, and the record it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from streamtap import _upstream
from streamtap._meter import ResponseMeter
from streamtap._phases import PhaseClock
from streamtap._records import ResponseStart, RunRecord, RunStart, ToolRecord, ToolStart
from streamtap._response_record import Moments, Owner, Request, attempt_start, build_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage

    from streamtap._clock import Clock
    from streamtap._dispatch import Dispatch
    from streamtap._records import RequestOutcome, ResponseRecord, RunOutcome, ToolKind, ToolOutcome


class Pricer(Protocol):
    """Prices a response that was billed."""

    def __call__(self, record: ResponseRecord) -> ResponseRecord:
        """The record with its cost, if it can be priced."""
        ...


@dataclass(slots=True)
class OpenTool:
    """A call of a tool that goes on."""

    tool: str
    tool_call_id: str
    kind: ToolKind
    step: int
    started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every run of a tap shares."""

    clock: Clock
    out: Dispatch
    price: Pricer
    stall_after: float
    slow_start_after: float


@dataclass(slots=True, eq=False)
class Run:
    """An open run, fed by its one owning door."""

    owner: Owner
    parent_run_id: str | None
    started: float
    around: Surroundings
    tool_manager: object = None
    requests: int = 0
    tool_calls: int = 0
    output_retries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    first_output: float | None = None
    final_result: float | None = None
    phases: PhaseClock = field(default_factory=PhaseClock)
    open_request: Request | None = None
    unsettled: Request | None = None
    open_tools: dict[str, OpenTool] = field(default_factory=dict[str, OpenTool])
    reported_before: bool = False

    @property
    def moments(self) -> Moments:
        """The two clocks, read together."""
        clock = self.around.clock
        return Moments(clock.monotonic(), clock.unix_ns())

    def announce(self) -> None:
        """Tell the sinks that the run began."""
        owner = self.owner
        self.around.out.run_started(
            RunStart(
                run_id=owner.run_id,
                conversation_id=owner.conversation_id,
                parent_run_id=self.parent_run_id,
                agent=owner.agent,
                root_agent=owner.root_agent,
                door=owner.door,
                labels=owner.labels,
                started_ns=self.moments.to_unix_ns(self.started),
            )
        )

    def tool_name(self, name: str) -> str:
        """The name under which a tool is shown: one that the run knows, or `_unknown`."""
        return _upstream.known_tool(self.tool_manager, name)

    def describe_tool(self, name: str) -> tuple[str, bool]:
        """The name under which a tool is shown, and whether a call of it is the run's final output."""
        return self.tool_name(name), _upstream.is_output_tool(self.tool_manager, name)

    # Requests

    def begin_request(
        self,
        *,
        step: int,
        model: object,
        mode: Literal['streamed', 'unstreamed'],
        started: float | None,
        messages: Sequence[ModelMessage],
    ) -> Request:
        """A request is about to be sent; what was open before it is settled first."""
        self.settle()
        meter = ResponseMeter(started, stall_after=self.around.stall_after)
        request = Request(step, started, mode == 'streamed', model, meter, messages, len(messages))
        if _upstream.asks_again(messages):
            self.output_retries += 1
        self.open_request = request
        provider, name = _upstream.asked_model(model, 0)
        now = self.around.clock.monotonic()
        owner = self.owner
        self.around.out.response_started(
            ResponseStart(
                run_id=owner.run_id,
                conversation_id=owner.conversation_id,
                step=step,
                agent=owner.agent,
                provider=provider,
                model=name,
                door=owner.door,
                labels=owner.labels,
                started_ns=self.moments.to_unix_ns(started if started is not None else now),
                streamed=request.streamed,
            )
        )
        return request

    def request_over(
        self, request: Request, outcome: RequestOutcome, *, error: BaseException | None = None, now: float
    ) -> None:
        """No more will come of this request; its record waits for the usage, which pydantic-ai books afterwards."""
        # A stream that fails makes the request around it look cancelled; whoever saw the error knows better.
        if request.outcome is None or (request.outcome == 'cancelled' and outcome == 'error'):
            request.outcome = outcome
            if error is not None and outcome == 'error':
                request.error_type = _upstream.error_type(error)
                request.exhausted = _upstream.failed_attempts(error)
        if request.meter.stopped is None:
            waited_from = request.meter.waiting_since
            request.meter.stop(now if waited_from is None else waited_from, now)
        if self.open_request is request:
            self.open_request = None
            self.unsettled = request

    def settle(self) -> None:
        """Report the request that is over, with what its response says by now."""
        request, self.unsettled = self.unsettled, None
        if request is None:
            return
        moments = self.moments
        meter = request.meter
        records = build_records(request, self.owner, moments)
        for record in records:
            priced = self.around.price(record) if record.usage_reported else record
            self._account(priced)
            self.around.out.response_ended(priced)
        self._native_tools(request, moments)
        attempts = tuple(record for record in records if record.attempt < len(records))
        tried = sum(record.duration or 0.0 for record in attempts)
        self.phases.add('wait' if request.streamed else 'model', tried)
        started = _start_of_answer(request, moments)
        if request.streamed:
            self.phases.streamed(meter, started, broke=request.outcome not in (None, 'success', 'incomplete'))
        elif request.answered is not None and started is not None:
            self.phases.add('model', request.answered - started)
        elif started is not None and meter.stopped is not None:
            self.phases.add('model', meter.stopped - started)
        if meter.first_visible is not None and self.first_output is None:
            self.first_output = meter.first_visible
        if meter.final_result is not None:
            self.final_result = meter.final_result
        if meter.dropped_parts:
            self.around.out.dropped('parts', meter.dropped_parts)

    def _account(self, record: ResponseRecord) -> None:
        self.requests += 1
        self.input_tokens += record.input_tokens or 0
        self.output_tokens += record.output_tokens or 0
        if record.cost_usd is not None:
            self.cost_usd = (self.cost_usd or 0.0) + record.cost_usd

    def _native_tools(self, request: Request, moments: Moments) -> None:
        for call in request.meter.native_calls:
            returned = call.ended is not None
            self.around.out.tool_ended(
                ToolRecord(
                    run_id=self.owner.run_id,
                    conversation_id=self.owner.conversation_id,
                    step=request.step,
                    agent=self.owner.agent,
                    tool=call.tool,
                    tool_call_id=call.tool_call_id,
                    kind='native',
                    labels=self.owner.labels,
                    started_ns=moments.to_unix_ns(call.started),
                    duration=call.ended - call.started if call.ended is not None else None,
                    outcome=('success' if call.succeeded else 'failed') if returned else 'interrupted',
                )
            )

    # Tools

    def begin_tool(self, tool: str, tool_call_id: str, kind: ToolKind, *, step: int, started: float) -> OpenTool:
        """A call of a tool begins."""
        call = OpenTool(self.tool_name(tool), tool_call_id, kind, step, started)
        self.open_tools[tool_call_id] = call
        self.around.out.tool_started(
            ToolStart(
                run_id=self.owner.run_id,
                conversation_id=self.owner.conversation_id,
                step=step,
                agent=self.owner.agent,
                tool=call.tool,
                tool_call_id=tool_call_id,
                kind=kind,
                labels=self.owner.labels,
                started_ns=self.moments.to_unix_ns(started),
            )
        )
        return call

    def forget_tool(self, call: OpenTool) -> None:
        """The call did not run after all: it waits for somebody's decision and is counted when it runs."""
        self.open_tools.pop(call.tool_call_id, None)

    def end_tool(
        self,
        call: OpenTool,
        outcome: ToolOutcome,
        *,
        cause: str | None = None,
        error_type: str | None = None,
        interval: tuple[float, float] | None,
    ) -> None:
        """A call of a tool that ran is over.

        Args:
            call: The call.
            outcome: How it ended.
            cause: Why the model is asked to call again, if it is.
            error_type: What the tool raised, if it did.
            interval: When its execution began and ended, or `None` if that could not be observed.
        """
        self.open_tools.pop(call.tool_call_id, None)
        if interval is not None:
            self.phases.tool(*interval)
        if call.kind == 'function':
            self.tool_calls += 1
        timed = interval is not None and outcome != 'interrupted'
        self._report_tool(call, outcome, cause, error_type, interval[1] - interval[0] if timed and interval else None)

    def refuse_tool(
        self, tool: str, tool_call_id: str, kind: ToolKind, *, step: int, outcome: ToolOutcome, cause: str | None, now: float
    ) -> None:
        """A call got its result without running here: refused, denied, wrong arguments, or answered from outside."""
        name = _upstream.UNKNOWN_TOOL if cause == 'unknown_tool' else self.tool_name(tool)
        self._report_tool(OpenTool(name, tool_call_id, kind, step, now), outcome, cause, None, None)

    def _report_tool(
        self, call: OpenTool, outcome: ToolOutcome, cause: str | None, error_type: str | None, duration: float | None
    ) -> None:
        if call.kind == 'output' and outcome == 'retried':
            self.output_retries += 1
        self.around.out.tool_ended(
            ToolRecord(
                run_id=self.owner.run_id,
                conversation_id=self.owner.conversation_id,
                step=call.step,
                agent=self.owner.agent,
                tool=call.tool,
                tool_call_id=call.tool_call_id,
                kind=call.kind,
                labels=self.owner.labels,
                started_ns=self.moments.to_unix_ns(call.started),
                duration=duration,
                outcome=outcome,
                retry_cause=cause,
                error_type=error_type,
            )
        )

    # The end

    def close(self) -> None:
        """The tap is closed while the run goes on: its outcome stays unknown."""
        self.end('incomplete', error_type=None, now=self.around.clock.monotonic())

    def end(self, outcome: RunOutcome, *, error_type: str | None, now: float) -> None:
        """The run is over: report what is still open, then the run."""
        if self.open_request is not None:
            self.request_over(self.open_request, 'incomplete' if outcome == 'incomplete' else 'cancelled', now=now)
        self.settle()
        for call in list(self.open_tools.values()):
            self.end_tool(call, 'interrupted', interval=None)
        if self.reported_before:
            return
        owner = self.owner
        duration = max(0.0, now - self.started)
        self.around.out.run_ended(
            RunRecord(
                run_id=owner.run_id,
                conversation_id=owner.conversation_id,
                parent_run_id=self.parent_run_id,
                agent=owner.agent,
                root_agent=owner.root_agent,
                door=owner.door,
                labels=owner.labels,
                started_ns=self.moments.to_unix_ns(self.started),
                duration=duration,
                outcome=outcome,
                error_type=error_type,
                requests=self.requests,
                tool_calls=self.tool_calls,
                output_retries=self.output_retries,
                input_tokens=self.input_tokens,
                output_tokens=self.output_tokens,
                cost_usd=self.cost_usd,
                time_to_first_output=_since(self.started, self.first_output),
                time_to_final_result=_since(self.started, self.final_result),
                phases=self.phases.split(duration),
            )
        )


def _since(started: float, moment: float | None) -> float | None:
    return None if moment is None else max(0.0, moment - started)


def _start_of_answer(request: Request, moments: Moments) -> float | None:
    said = _upstream.response_at(request.messages, request.history) or request.response
    return attempt_start(request, _upstream.attempts_of(said) if said is not None else (), moments)
