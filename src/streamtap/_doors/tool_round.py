"""Tool calls as inferred from the event stream, for doors that do not see the execution itself.

All call events come before any tool starts, so the time from call to result includes the wait for other tools.
How much of it was waiting follows from pydantic-ai's scheduling: a `sequential` tool starts when every earlier call has
ended, the calls after it when it has ended, and in the run-wide `sequential` mode each call starts after the previous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._upstream import known_tools, outcomes, stream_events

if TYPE_CHECKING:
    from pydantic_ai.messages import AgentStreamEvent

    from streamtap._records.records import RunOutcome
    from streamtap._runs.run import Run
    from streamtap._runs.tool_calls import OpenTool

PROMPT = 0.01
"""Seconds within which an event that is ready reaches the consumer; too short to matter in a duration."""

MAX_CALLS = 1000
"""How many calls of one response are followed; a real one makes a few, a hostile one could make any number."""


@dataclass(slots=True)
class Scheduled:
    """A call that was announced and will run.

    `released` is when it was handed over for execution, or a decision allowed it; `ended` is when its result arrived.
    """

    open: OpenTool
    is_sequential: bool
    released: float | None = None
    ended: float | None = None


def was_ready(held_from: float, waited_from: float, now: float) -> bool:
    """Whether an event may have been ready while the consumer still held the previous one, for an unknown time.

    Args:
        held_from: When the previous event arrived.
        waited_from: When this event was asked for.
        now: When it arrived.
    """
    return waited_from - held_from >= PROMPT and now - waited_from < PROMPT


def start_of(calls: list[Scheduled], position: int, otherwise: float) -> float | None:
    """When the call at `position` began to run, or `None` while a call it waits for has not ended.

    Args:
        calls: The calls of the round.
        position: Which of them.
        otherwise: What to take for its release, if that is not known.
    """
    released = calls[position].released
    barrier = otherwise if released is None else released
    earlier = calls[:position]
    waits_for_all = calls[position].is_sequential
    for call in earlier:
        if waits_for_all or call.is_sequential:
            if call.ended is None:
                return None
            barrier = max(barrier, call.ended)
    return barrier


class ToolRound:
    """Reads the events of one round of tool calls.

    Args:
        run: The run that makes them.
        step: The step of the response that asked for them.
        is_ahead: Whether the run continues by itself while the consumer holds an event.
    """

    def __init__(self, run: Run, *, step: int, is_ahead: bool = False) -> None:
        self._run = run
        self._tools = run.tools
        self._step = step
        mode = known_tools.execution_mode(run.tools.manager)
        self._one_by_one = mode == 'sequential'
        self._results_are_held = mode == 'parallel_ordered_events'
        self._is_order_known = True
        self._calls: list[Scheduled] = []
        self._is_ahead = is_ahead
        self._last_at = 0.0
        self._is_untouched = True
        self._output_call: stream_events.ToolCall | None = None
        self._output_began: float | None = None
        self._refused_last = False
        self._has_output = False
        self._must_continue = False
        self.ending: RunOutcome = 'success'
        """How the run ended if the handler is not called again; a round without events means that text was accepted."""

    def feed(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """Process an event."""
        call = stream_events.tool_call(event)
        self._refused_last = call is not None and not call.will_run
        if call is not None:
            self._called(call, waited_from, now)
        else:
            self._release(self._starts(waited_from))
            self._answered(event, waited_from, now)
        self._last_at = now
        self._is_untouched = False

    def _answered(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        result = stream_events.tool_result(event)
        if result is not None:
            self._result(result, waited_from, now)
        elif stream_events.is_deferral(event):
            self.ending = 'deferred'
        elif (decided := stream_events.decided_calls(event)) is not None:
            self.ending = 'incomplete'
            for scheduled in self._calls:
                if scheduled.open.tool_call_id in decided:
                    scheduled.released = now
        self._last_at = now

    def over(self) -> None:
        """The round ended; a call without a result waits for a decision from outside."""
        for call in self._calls:
            if call.ended is None:
                self._tools.forget(call.open)

    def broke(self, error: BaseException, waited_from: float, now: float) -> None:
        """The round ended with an exception; if a single tool was running, that one raised it."""
        if self._refused_last and outcomes.is_of_model_output(error):
            # The last call had wrong arguments once too often: that ends the run before the calls announced with it.
            self.over()
            return
        started = self._starts(waited_from)
        is_late = was_ready(self._last_at, waited_from, now)
        starts = {id(call): start_of(self._calls, place, started) for place, call in enumerate(self._calls)}
        running = [call for call in self._calls if call.ended is None and starts[id(call)] is not None]
        outcome, cause, error_type = outcomes.tool_outcome(error)
        for call in self._calls:
            began = starts[id(call)]
            if call.ended is not None:
                continue
            if began is None:
                self._tools.forget(call.open)
            elif len(running) == 1:
                interval = None if is_late and began < waited_from else (began, now)
                self._tools.end(call.open, outcome, cause=cause, error_type=error_type, interval=interval)
            else:
                self._tools.end(call.open, 'interrupted', interval=(began, now))

    def _called(self, call: stream_events.ToolCall, waited_from: float, now: float) -> None:
        self._update_ending()
        if call.kind == 'output':
            # It is announced when it has run. If nothing else ran in the round, that is what was waited for.
            self._output_began = waited_from if self._is_untouched and not self._is_ahead else None
            self._output_call = call
        elif call.will_run and len(self._calls) >= MAX_CALLS:
            self._run.shared.out.dropped('tool_calls')
        elif call.will_run:
            opened = self._tools.begin(
                self._run.tools.name_of(call.tool),
                call.tool_call_id,
                step=self._step,
                started=now,
                fingerprint=call.fingerprint,
            )
            alone = known_tools.is_sequential(self._run.tools.manager, call.tool)
            self._is_order_known &= self._one_by_one or alone is not None
            self._calls.append(Scheduled(opened, self._one_by_one or bool(alone)))

    def _release(self, now: float) -> None:
        """Release a batch: its tools start when all its calls were handed over and the next event is asked for.

        With some end strategies the calls before an output tool are one batch, and those after it another.
        """
        for call in reversed(self._calls):
            if call.released is not None:
                break
            call.released = now

    def _starts(self, waited_from: float) -> float:
        """When the tools of the calls that were handed over start."""
        return self._last_at if self._is_ahead else waited_from

    def _result(self, result: stream_events.ToolResult, waited_from: float, now: float) -> None:
        if result.kind == 'output':
            self._output(result, waited_from, now)
        # A retry takes precedence over the output of the same round, unless the tool to be retried does not exist.
        elif result.outcome == 'retried' and self._run.tools.name_of(result.tool) != known_tools.UNKNOWN_TOOL:
            self._must_continue = True
        self._update_ending()
        if result.kind == 'function':
            self._function(result, waited_from, now)

    def _function(self, result: stream_events.ToolResult, waited_from: float, now: float) -> None:
        waiting = (place for place, call in enumerate(self._calls) if call.ended is None)
        place = next((place for place in waiting if self._calls[place].open.tool_call_id == result.tool_call_id), None)
        if place is None:
            self._run.tools.refused(result, step=self._step, now=now)
            return
        call = self._calls[place]
        began = start_of(self._calls, place, now)
        call.ended = now
        # A call that began only when this event was asked for cannot have been ready before.
        is_late = was_ready(self._last_at, waited_from, now) and (began is None or began < waited_from)
        if self._results_are_held or is_late or not (self._is_order_known or len(self._calls) == 1):
            # The result was ready before it was asked for, or before its turn among the calls, or it is unknown which
            # call waited for which: there is no duration.
            interval = None
            if call.released is not None:
                self._run.phases.tool(call.released, self._last_at if is_late else now)
        else:
            interval = None if began is None else (began, now)
        outcome, error_type = result.outcome, None
        if outcome == 'success':
            outcome, error_type = self._tools.judged(call.open.tool, result.content)
        self._tools.end(call.open, outcome, cause=result.cause, error_type=error_type, interval=interval)

    def _output(self, result: stream_events.ToolResult, waited_from: float, now: float) -> None:
        """Process the result of an output tool; it is not counted if it was skipped for an output accepted before."""
        call, self._output_call = self._output_call, None
        began, self._output_began = self._output_began, None
        if result.outcome == 'success' and call is not None and not call.will_run:
            return
        self._has_output |= result.outcome == 'success'
        if began is None:
            self._run.tools.answered(result, step=self._step, now=now, was_executed=True)
            return
        ended = self._last_at if was_ready(self._last_at, waited_from, now) else now
        name = self._run.tools.name_of(result.tool)
        opened = self._tools.begin(name, result.tool_call_id, step=self._step, started=began, kind='output')
        self._tools.end(
            opened, result.outcome, cause=result.cause, error_type=result.error_type, interval=(began, ended)
        )

    def _update_ending(self) -> None:
        self.ending = 'success' if self._has_output and not self._must_continue else 'incomplete'
