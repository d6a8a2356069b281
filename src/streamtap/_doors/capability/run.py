"""Turns the calls of the capability's hooks for one run into measurements."""

from __future__ import annotations

import contextlib
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._doors.observed_stream import NoObserver
from streamtap._doors.response_observer import ResponseObserver
from streamtap._upstream import event_sources, model_responses, outcomes, run_context, run_end, stream_events
from streamtap._upstream.output_streams import is_failed_partial
from streamtap._upstream.prompt_prefix import prefix_of_request
from streamtap._upstream.request_settings import settings_of
from streamtap._upstream.tool_arguments import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pydantic_ai.messages import AgentStreamEvent, ModelResponse, ToolCallPart
    from pydantic_ai.models import ModelRequestContext

    from streamtap._doors.observed_stream import StreamObserver
    from streamtap._records.records import RunOutcome
    from streamtap._runs.caller import Caller
    from streamtap._runs.registry import Runs
    from streamtap._runs.request import Request
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared
    from streamtap._runs.tool_calls import OpenTool

WHERE = 'capability'


class CapabilityRun:
    """One run, as the capability's hooks report it. No method raises.

    Args:
        run: The open run.
        runs: The tap's open runs, from which it is removed when it ends.
        shared: What all runs share.
        caller: Set to the run while one of its tools executes.
        forget: Called when the run is over.
    """

    def __init__(self, run: Run, runs: Runs, shared: Shared, caller: Caller, forget: Callable[[], object]) -> None:
        self.run = run
        self._forget = forget
        self._runs = runs
        self.out = shared.out
        self.monotonic = shared.clock.monotonic
        self._caller = caller
        self._request: Request | None = None
        self._step = 0
        self._executed: set[str] = set()
        self._failed = partial(shared.out.failed, WHERE)
        self._unhook_task: Callable[[], object] = lambda: None

    # The run

    def end_with_task(self, ctx: object) -> None:
        """End the run no later than the task that drives it.

        pydantic-ai leaves `wrap_run` waiting forever when that task is cancelled before the run's first step.
        """
        task = run_context.driving_task(ctx)
        if task is None:
            return

        def ended(_: object) -> None:
            with self.run.guard:
                now_driving = run_context.driving_task(ctx)
                if now_driving is not None and not now_driving.done():
                    self.end_with_task(ctx)
                else:
                    self._end('cancelled', None)

        # In an empty context: the current one would keep the run alive.
        task.add_done_callback(ended, context=Context())
        self._unhook_task = partial(task.remove_done_callback, ended)

    def current(self) -> contextlib.AbstractContextManager[None]:
        """A context in which the run's span is current, for the code inside the run."""
        return self.run.trace.current()

    def raised(self, ctx: object, error: BaseException) -> None:
        """The run ended with an exception.

        pydantic-ai tells that before it lets go of the tools that still run: the runs that these called are over first.
        """
        with self.run.guard:
            ended = partial(self._end, *outcomes.run_ending(error, ctx))
            if not (self.run.tools.is_executing and run_end.tell_end(ctx, lambda _: self._torn_down(ended))):
                ended()

    def _torn_down(self, ended: Callable[[], None]) -> None:
        with self.run.guard:
            ended()

    def returned(self, ctx: object, result: object) -> None:
        """The run ended with a result."""
        with self.run.guard:
            self._count_realtime_responses(ctx, result)
            self._end('deferred' if run_context.is_deferred_result(result) else 'success', None)

    def _count_realtime_responses(self, ctx: object, result: object) -> None:
        """Count the responses of a realtime session: none is reported while it lasts, but its result has them all."""
        model = run_context.model_of(ctx)
        for step, response in enumerate(model_responses.spoken_responses(ctx, result), 1):
            request = self.run.begin_request(step=step, model=model, mode='streamed', started=None)
            request.response = response
            answered_at = self.run.moments.to_monotonic(response.timestamp.timestamp())
            request.meter.other(answered_at, answered_at)
            self.run.request_over(request, 'success', now=answered_at)

    def _end(self, outcome: RunOutcome, error_type: str | None) -> None:
        self._unhook_task()
        self._unhook_task = lambda: None
        self._forget()
        self._runs.end(self.run, outcome, error_type, now=self.monotonic())
        # It holds the run's context, which holds this capability: clearing it breaks the cycle.
        self.run.tools.manager = None

    # A request

    def step_began(self) -> None:
        """A request step begins; the tool calls executed so far belong to earlier steps."""
        with self.run.guard:
            self.run.settle()
            self._request = None
            self._step += 1
            self._executed.clear()

    def attempt_began(self, ctx: object, request_context: ModelRequestContext) -> None:
        """An attempt of the request is about to be sent."""
        with self.run.guard:
            started = self.monotonic()
            self.run.tools.manager = run_context.tool_manager(ctx)
            attempts = getattr(request_context, 'attempt', 1) - 1
            if self._request is not None and attempts:
                # Earlier attempts are listed on the response, with their own times.
                self._request.model = model_responses.asked_model(request_context.model)
                self._request.settings = settings_of(request_context)
                self._request.meter.started = started
                self._request.tried_before = attempts
                self._request.answered = self._request.response = None
                return
            self.run.trace.request_seen()
            self._request = self.run.begin_request(
                step=self._step,
                model=model_responses.asked_model(request_context.model),
                mode='streamed' if request_context.streaming else 'unstreamed',
                started=started,
                messages=run_context.messages_of(ctx),
            )
            self._request.settings = settings_of(request_context)
            self._request.prefix = prefix_of_request(request_context)

    def attempt_answered(self, response: ModelResponse) -> None:
        """An attempt was answered; other capabilities may still reject the response or replace it."""
        if self._request is not None:
            self._request.answered = self.monotonic()
            self._request.response = response

    def request_answered(self, response: ModelResponse) -> None:
        """The request returned a response; a stream that was broken off has been reported already."""
        with self.run.guard:
            request = self._request
            if request is None:
                return
            if request.response is None:
                request.response = response
            if request.answered is None:
                request.answered = self.monotonic()
            broken = request.streamed and not model_responses.read_response(response, priced=False).is_complete
            self.run.request_over(request, 'cancelled' if broken else 'success', now=request.answered)

    def request_raised(self, ctx: object, error: BaseException) -> None:
        """The request failed; a stream's real error came through its events, here it looks like a cancellation."""
        with self.run.guard:
            request = self._request
            if request is None:
                return
            if request.answered is not None or request.was_read:
                # The model did answer; another capability rejected the answer, or the caller failed or left after it.
                self.run.request_over(request, 'success', now=request.answered or self.monotonic())
            else:
                outcome = outcomes.request_outcome(error, ctx)
                self.run.request_over(request, outcome, error=error, now=self.monotonic())

    # A stream of events

    def observe(self, ctx: object, events: object) -> tuple[StreamObserver, Callable[[BaseException | None], None]]:
        """What observes the stream that begins here, and what to call at its end, with what it raised, if anything."""
        with self.run.guard:
            request = self.run.open_request
            self.run.tools.manager = run_context.tool_manager(ctx)
            is_durable = self.run.gate is not None
            if (
                request is not None
                and (request.streamed or is_durable)
                and (call := run_context.call_of(ctx, None)).is_request
            ):
                if request.meter.started is not None and not call.is_primed:
                    request.meter.started = max(request.meter.started, self.monotonic())
                # A durable run gets a response only when it is complete: its events say nothing about the pace.
                meter = None if is_durable else request.meter
                began = partial(self._stream_began, request, events)
                observer = ResponseObserver(meter, self.run.tools.describe, self._failed, began)
                return observer, partial(self._stream_over, request, ctx)
            self.run.settle()
            return self, lambda _: None
        return NoObserver(), lambda _: None

    def _stream_began(self, request: Request, events: object) -> None:
        """The first event of a response arrived: note what it says of its usage, which some servers repeat."""
        request.stream = event_sources.stream_of_response(events)
        request.first_input_tokens = model_responses.input_tokens_so_far(request.stream)

    def _stream_over(self, request: Request, ctx: object, error: BaseException | None) -> None:
        """A response's stream ended or was abandoned."""
        with self.run.guard:
            outcome = 'success' if error is None else outcomes.request_outcome(error, ctx)
            stream, request.stream = request.stream, None
            if error is None:
                # Only the response says whether it is complete, and its hook is still to come.
                request.was_read = True
                request.meter.stop(self.monotonic())
            else:
                # pydantic-ai books what came of it, unless it is stopped again meanwhile: by the run that called this one.
                request.response = request.response or model_responses.streamed_response(stream)
                self.run.request_over(request, outcome, error=error, now=self.monotonic())

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event of a round of tool calls."""
        if held_since is not None:
            self.run.phases.hold(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event of a round of tool calls arrived; it may be a call's result."""
        with self.run.guard:
            result = stream_events.tool_result(event)
            if result is None or result.tool_call_id in self._executed:
                return
            call = self.run.tools.open.get(result.tool_call_id)
            if call is None or call.executed is None:
                self.run.tools.refused(result, step=self._step, now=now)
                return
            interval = (call.started, call.executed)
            self.run.tools.end(
                call, result.outcome, cause=result.cause, error_type=result.error_type, interval=interval
            )

    # A tool

    @contextlib.contextmanager
    def tool(self, ctx: object, call: ToolCallPart) -> Generator[Callable[[object], None]]:
        """Time the execution of a function tool; what it yields is to be called with the tool's result."""
        opened = self._tool_began(ctx, call)
        results: list[object] = []
        try:
            calling = self._caller.calling(lambda: self.run, call.tool_call_id)
            with calling, self.run.trace.inside(None if opened is None else opened.span):
                yield results.append
        except BaseException as error:
            self._tool_ended(opened, error)
            raise
        else:
            self._tool_ended(opened, None, *results)

    def _tool_began(self, ctx: object, call: ToolCallPart) -> OpenTool | None:
        with self.run.guard:
            # A run that does not stream has told of no event since its response.
            self.run.settle()
            self.run.tools.manager = run_context.tool_manager(ctx) or self.run.tools.manager
            self._executed.add(call.tool_call_id)
            compared = fingerprint(call.tool_name, call.args)
            started = self.monotonic()
            opened = self.run.tools.begin(
                self.run.tools.name_of(call.tool_name),
                call.tool_call_id,
                step=self._step,
                started=started,
                fingerprint=compared,
            )
            opened.span = self.run.trace.tool(
                opened.tool, clean(call.tool_call_id), self.run.moments.to_unix_ns(started)
            )
            return opened
        return None

    def _tool_ended(self, call: OpenTool | None, error: BaseException | None, result: object = None) -> None:
        with self.run.guard:
            if call is not None:
                interval = (call.started, self.monotonic())
                if error is None:
                    cause, (outcome, error_type) = None, self.run.tools.judged(call.tool, result)
                else:
                    outcome, cause, error_type = outcomes.tool_outcome(error)
                self.run.tools.end(call, outcome, cause=cause, error_type=error_type, interval=interval)

    @contextlib.contextmanager
    def output(self, ctx: object, output_context: object) -> Generator[None]:
        """Time the validation or the function of an output tool; a later event brings its outcome."""
        call = self._output_began(ctx, output_context)
        if call is None:
            try:
                yield
            except Exception as error:
                self._partial_failed(ctx, error)
                raise
            return
        try:
            with self._caller.calling(lambda: self.run, call.tool_call_id):
                yield
        finally:
            call.executed = self.monotonic()

    def _partial_failed(self, ctx: object, error: Exception) -> None:
        with self.run.guard:
            if self.run.reader is not None and is_failed_partial(ctx, error):
                self.run.reader.partial_failed()

    def _output_began(self, ctx: object, output_context: object) -> OpenTool | None:
        with self.run.guard:
            made_of = run_context.output_call(ctx, output_context)
            if made_of is None:
                return None
            name, call_id = made_of
            call = self.run.tools.open.get(call_id)
            if call is None:
                shown, now = self.run.tools.name_of(name), self.monotonic()
                call = self.run.tools.begin(shown, call_id, step=self._step, started=now, kind='output')
            call.executed = None
            return call
        return None
