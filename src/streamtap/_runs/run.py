"""One open run: its requests, its tool calls, and the record it becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from streamtap._delivery.guard import guarded
from streamtap._delivery.tracing import GuardedTrace, RunTrace
from streamtap._meter.phases import PhaseClock
from streamtap._meter.reader import ReaderMeter
from streamtap._meter.response import ResponseMeter
from streamtap._records.failed import has_failed
from streamtap._records.records import CalledRuns
from streamtap._runs.failures import FailuresOfRun
from streamtap._runs.objectives import objective_of
from streamtap._runs.prompts import Prompts
from streamtap._runs.request import Request
from streamtap._runs.response_record import Settled, build_records
from streamtap._runs.spent import Spent
from streamtap._runs.tool_calls import ToolCalls
from streamtap._upstream import durable, outcomes, run_context
from streamtap._upstream.prompt_prefix import prefix_of_messages
from streamtap._upstream.provider_timing import retry_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage

    from streamtap._base.clock import Moments
    from streamtap._records.records import FailureRecord, RequestOutcome, ResponseRecord
    from streamtap._runs.identity import RunIdentity
    from streamtap._runs.questions import Attempt
    from streamtap._runs.replay import ReplayGate
    from streamtap._runs.shared import Shared
    from streamtap._upstream.model_responses import AskedModel


@dataclass(slots=True, eq=False)
class Run:
    """An open run, fed by the one door that owns it."""

    identity: RunIdentity
    started: float
    shared: Shared
    gate: ReplayGate | None = None
    """For a run of a durable engine: decides what of it is reported."""
    spent: Spent = field(default_factory=Spent)
    output_retries: int = 0
    first_output: float | None = None
    final_result: float | None = None
    phases: PhaseClock = field(default_factory=PhaseClock)
    tools: ToolCalls = field(init=False)
    trace: GuardedTrace = field(init=False)
    guard: guarded = field(init=False)
    """Keeps what fails in its door from the run."""
    moments: Moments = field(init=False)
    open_request: Request | None = None
    unsettled: Request | None = None
    messages: Sequence[ModelMessage] = ()
    """The run's live history, to which pydantic-ai appends."""
    known_messages: int = 0
    """How many messages there were at the last request."""
    reported_before: bool = False
    caller: Run | None = None
    """The run whose tool began this one; if that is over, the nearest of its callers that is open."""
    calls: set[Run] = field(default_factory=set['Run'])
    """The open runs whose caller this is."""
    called: CalledRuns = field(default_factory=CalledRuns)
    """What the runs used that it called."""
    has_unseen: bool = False
    """Whether a response was not seen to its end, so that nobody knows where the time went."""
    prompts: Prompts = field(init=False)
    failures: FailuresOfRun = field(default_factory=FailuresOfRun)
    failure: FailureRecord | None = None
    """Why it failed, once it is over."""
    attempt: Attempt | None = None
    """Which attempt at a question it is, if it is one."""
    has_unpriced: bool = False
    """Whether the cost of a response is not known, of its own or of a run that it called."""
    context_used: float | None = None
    """The highest share of a context window that a request took."""
    longest_silence: float = 0.0
    """Seconds of the longest silence in the middle of a response."""
    reader: ReaderMeter | None = None
    """Measures what those get who read the run's output through the tap, if there are any."""

    def __post_init__(self) -> None:
        # Both clocks are read once for all of the run's timestamps: the wall clock may step during the run.
        self.moments = self.shared.read_clocks()
        self.guard = guarded(self.shared.out, self.identity.door)
        self.trace = GuardedTrace(RunTrace(), self.shared.out)
        self.prompts = Prompts(self.shared.conversations, self.identity.conversation)
        self.tools = ToolCalls(
            self.identity,
            self.moments,
            self.phases,
            self.trace,
            self.shared,
            self.failures,
            self.prompts.tools,
        )

    def announce(self, parent: Run | None) -> None:
        """Open the run's trace, inside that of the run that called it, and report its start."""
        has_objective = self.caller is None and objective_of(self.shared.objectives, self.identity.agent) is not None
        start = self.identity.run_start(self.moments.to_unix_ns(self.started), has_objective=has_objective)
        with guarded(self.shared.out, 'spans'):
            called_by = None if parent is None else parent.trace.inner
            trace = self.shared.tracing.open(start, instrumented=self.identity.instrumented, parent=called_by)
            self.trace = self.tools.trace = GuardedTrace(trace, self.shared.out)
        self.shared.out.run_started(start)

    # Requests

    def begin_request(
        self,
        *,
        step: int,
        model: AskedModel,
        mode: Literal['streamed', 'unstreamed'],
        started: float | None,
        messages: Sequence[ModelMessage] = (),
        sent: Literal['now', 'perhaps'] = 'now',
    ) -> Request:
        """A request is about to be sent, or may be; the one before it is reported first.

        One that may be sent is reported as begun by `request_sent`, when that is certain.
        """
        self.settle()
        meter = ResponseMeter(started, stall_after=self.shared.stall_after)
        # Under a durable engine the loop gets a response as a whole, when it is complete, as if it were streamed.
        streamed = mode == 'streamed' and self.gate is None
        request = Request(step, streamed, model, meter, messages, len(messages))
        request.asked_unix = self.shared.clock.unix_ns() / 1e9
        request.prefix = prefix_of_messages(messages)
        self.messages, self.known_messages = messages, len(messages)
        if run_context.asks_again(messages):
            self.output_retries += 1
        self.open_request = request
        asked = model.candidate(0)
        now = self.shared.clock.monotonic()
        request.unreported_start = self.identity.request_start(
            self.moments.to_unix_ns(started if started is not None else now),
            step=step,
            provider=self.shared.redact('provider', asked.provider),
            model=self.shared.redact('model', asked.name),
            streamed=request.streamed,
        )
        if sent == 'now':
            self.request_sent(request)
        return request

    def request_sent(self, request: Request) -> None:
        """It is certain that the request is sent: report its start, once."""
        start, request.unreported_start = request.unreported_start, None
        if start is not None:
            self.shared.out.response_started(start)

    def request_over(
        self, request: Request, outcome: RequestOutcome, *, error: BaseException | None = None, now: float
    ) -> None:
        """The request is over; its record waits for the usage, which pydantic-ai adds to the response afterwards."""
        self.request_sent(request)
        # A stream that fails makes the request around it look cancelled: an error that was seen overrides that.
        has_failed = error is not None and (outcome == 'error' or outcomes.is_timeout(error))
        if request.outcome is None or (request.outcome == 'cancelled' and has_failed):
            request.outcome = outcome
            if error is not None and has_failed:
                request.error_type = outcomes.error_type(error)
                request.retry_after = retry_after(error)
                request.exhausted = outcomes.failed_attempts(error)
        request.meter.stop(now)
        if self.open_request is request:
            self.open_request = None
            if self._was_replayed(request):
                return
            self.unsettled = request
            if self.trace.adds_to_requests:
                # pydantic-ai's own span of the request ends before the request is settled.
                self.trace.request_over(self._build(request).records[-1])
            if self.gate is not None and outcome == 'success':
                # The engine has recorded it, so no other process will report it: it must not be lost with this one.
                self.settle()

    def _was_replayed(self, request: Request) -> bool:
        """Whether the response came from the engine's records, so that it is not reported again."""
        if self.gate is None:
            return False
        if durable.is_recorded(request.response, request.asked_unix):
            self.gate.replayed()
            self.output_retries = self.tools.outputs_sent_back = self.tools.executed = 0
            return True
        if request.outcome == 'success':
            self.gate.answered()
        else:
            self.gate.refused()
        return False

    def forget(self, request: Request) -> None:
        """The expected request was never sent."""
        if self.open_request is request:
            self.open_request = None

    def take_unsettled(self) -> Request | None:
        """The request that is over and not reported yet, if there is one; who takes it has to `report` it."""
        request, self.unsettled = self.unsettled, None
        return request

    def settle(self) -> None:
        """Report the request that is over, if there is one."""
        if (request := self.take_unsettled()) is not None:
            self.report(request)

    def report(self, request: Request) -> None:
        """Report a request that is over, with what its response says by now."""
        meter = request.meter
        settled = self._build(request)
        for record, response in zip(settled.records, settled.responses, strict=True):
            self.shared.warn_repeated(record)
            priced = self.shared.price(record, response)
            self.spent.add(priced)
            self._note(priced)
            self.shared.out.response_ended(self.trace.responded(priced))
        if settled.prompt is not None:
            self.prompts.remember(settled.prompt)
        elif settled.records[-1].outcome == 'success':
            self.prompts.forget_last()
        self.tools.asked(settled.prompt, settled.tool_calls)
        self.longest_silence = max(self.longest_silence, meter.longest_silence)
        for call in meter.native_calls:
            self.tools.native(call, step=request.step)
        self._add_phases(request, settled)
        if meter.first_visible is not None and self.first_output is None:
            self.first_output = meter.first_visible
        if meter.final_result is not None:
            self.final_result = meter.final_result
        if meter.dropped_parts:
            self.shared.out.dropped('parts', meter.dropped_parts)

    def _build(self, request: Request) -> Settled:
        return build_records(request, self.identity, self.moments, self.shared.redact, self.prompts)

    def _note(self, record: ResponseRecord) -> None:
        """Note what the run's own record says of its requests."""
        self.failures.step(record.step)
        if has_failed(record):
            name = f'{record.provider}:{record.model}' if record.provider else record.model
            if record.outcome == 'timeout' and record.error_type is None:
                # The run's own time was up: a request whose time was up has the type of an error.
                self.failures.interrupted('model', name, step=record.step)
            else:
                self.failures.add('model', name, step=record.step, error_type=record.error_type)
        self.has_unpriced |= record.usage_reported and record.cost_usd is None
        if record.context_used is not None:
            self.context_used = max(self.context_used or 0.0, record.context_used)

    def _add_phases(self, request: Request, settled: Settled) -> None:
        waiting = 'wait' if request.streamed else 'model'
        self.phases.add(waiting, settled.tried_seconds)
        meter, started = request.meter, settled.started
        self.has_unseen |= request.is_truncated
        if request.streamed:
            self.phases.streamed(meter, started, broke=request.outcome not in (None, 'success', 'incomplete'))
        elif started is not None and (ended := request.answered or meter.stopped) is not None:
            self.phases.add('model', ended - started)

    def used(self) -> CalledRuns:
        """What it has used so far, with the runs that it called."""
        own = CalledRuns(
            runs=0 if self.reported_before else 1,
            requests=self.spent.requests,
            tool_calls=self.tools.executed,
            input_tokens=self.spent.input_tokens,
            output_tokens=self.spent.output_tokens,
            unmeasured_responses=self.spent.unmeasured_responses,
            cost_usd=self.spent.cost_usd,
        )
        return own + self.called

    # The readers of its output

    def reader_came(self) -> ReaderMeter:
        """Somebody begins to read the run's output, and so has not stopped reading it."""
        if self.reader is None:
            self.reader = ReaderMeter(failed_partials=0 if self.identity.door == 'capability' else None)
        self.reader.reading += 1
        if self.open_request is not None:
            self.open_request.left = None
        return self.reader

    def reader_gone(self, left: float | None) -> None:
        """A reader reads no more.

        Args:
            left: When it left before the end of what it read, if it did.
        """
        if self.reader is None:
            return
        self.reader.reading -= 1
        request = self.open_request
        if left is not None and not self.reader.reading and request is not None and request.meter.stopped is None:
            request.left = (left, request.meter.chunks)
