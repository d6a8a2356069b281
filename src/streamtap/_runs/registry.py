"""The open runs of a tap: which door owns a run id, and which run called which."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from streamtap._base.forks import tell_forks
from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
from streamtap._runs.loop_lag import LoopLagMeter
from streamtap._runs.replay import ReplayGate
from streamtap._runs.run import Run
from streamtap._runs.shared import Owner
from streamtap._upstream import model_responses, run_context

if TYPE_CHECKING:
    from streamtap._records.records import Door
    from streamtap._runs.shared import Surroundings

MAX_OPEN_RUNS = 50_000
"""How many open runs a tap keeps; a new one then evicts the oldest, which is reported as incomplete and counted."""

MAX_REPORTED = 10_000
"""How many run ids are remembered after their report, so that a run is never counted twice."""


class Runs:
    """Every open run of a tap, by run id. Thread-safe: each run is fed by one task, and read by any number.

    Args:
        around: What all runs share.
        loop_lag_every: Seconds between two measurements of the event loop's lag; `None` for none.
    """

    def __init__(self, around: Surroundings, loop_lag_every: float | None = None) -> None:
        self._around = around
        self._loop_lag = None
        if loop_lag_every is not None:
            self._loop_lag = LoopLagMeter(around.out, loop_lag_every, lambda: bool(self._open))
        self._open: OrderedDict[str, Run] = OrderedDict()
        self._reported: OrderedDict[str, Door] = OrderedDict()
        self._reported_calls: OrderedDict[str, set[tuple[int, str]]] = OrderedDict()
        self._lock = threading.RLock()
        tell_forks(self)

    def forked(self) -> None:
        """Forget the open runs: the parent reports them."""
        self._lock = threading.RLock()
        self._open.clear()

    def get(self, run_id: str) -> Run | None:
        """The open run of that id."""
        return self._open.get(run_id)

    def open(
        self,
        who: run_context.Who,
        door: Door,
        *,
        labels: dict[str, str],
        parent: Run | None,
        started: float,
        instrumented: bool,
        call: Literal['first', 'later'],
    ) -> Run | None:
        """Open a run; `None` if its id is open already, as the first opener owns it.

        A run that was reported already is reopened for its requests and tools only, and only by the door that reported
        it; for any other door, too, this is `None`.

        Args:
            who: The run's id and its agent.
            door: The door that opens it.
            labels: The user's own dimensions.
            parent: The run that called it.
            started: When it started, on the monotonic clock.
            instrumented: Whether pydantic-ai makes spans of its own for it.
            call: `first` if the run certainly begins here, `later` if it may have been reported before.
        """
        owner = Owner(
            run_id=who.run_id,
            conversation_id=who.conversation_id,
            agent=who.agent,
            root_agent=parent.owner.root_agent if parent is not None else who.agent,
            door=door,
            labels=labels,
            instrumented=instrumented,
        )
        around, gate = self._around, None
        if who.is_durable:
            gate = ReplayGate(around.out, self.reported_calls(who.run_id))
            around = replace(around, out=gate)
        run = Run(owner, parent.owner.run_id if parent is not None else None, started, around, gate)
        evicted: Run | None = None
        with self._lock:
            reported_by = self._reported.get(who.run_id) if call == 'later' else None
            if who.run_id in self._open or reported_by not in (None, door):
                return None
            run.reported_before = reported_by is not None
            if len(self._open) >= MAX_OPEN_RUNS:
                evicted = self._open.popitem(last=False)[1]
            self._open[who.run_id] = run
        if evicted is not None:
            self._around.out.dropped('open_runs')
            evicted.close()
        if self._loop_lag is not None:
            self._loop_lag.run_opened()
        if run.reported_before:
            self._around.out.dropped('reopened_runs')
        else:
            run.announce(parent)
        return run

    def reported_calls(self, run_id: str) -> set[tuple[int, str]]:
        """The reported tool calls of a durable run, by step and id: if it is retried, it may make them again."""
        with self._lock:
            reported = self._reported_calls.setdefault(run_id, set())
            if len(self._reported_calls) > MAX_REPORTED:
                self._reported_calls.popitem(last=False)
            return reported

    def remove(self, run: Run) -> bool:
        """Remove a run that is over; returns whether it was still open."""
        with self._lock:
            if self._open.get(run.owner.run_id) is not run:
                return False
            del self._open[run.owner.run_id]
            self._reported[run.owner.run_id] = run.owner.door
            if len(self._reported) > MAX_REPORTED:
                self._reported.popitem(last=False)
            return True

    def all_open(self) -> tuple[Run, ...]:
        """The open runs, oldest first."""
        with self._lock:
            return tuple(self._open.values())

    def live(self, idle: frozenset[str]) -> Live:
        """A snapshot of what is open now, without the `idle` runs: those between two calls of their handler."""
        now = self._around.clock.monotonic()
        runs: deque[LiveRun] = deque()
        responses: deque[LiveResponse] = deque()
        tools: deque[LiveTool] = deque()
        for run in self.all_open():
            owner = run.owner
            if owner.run_id in idle:
                continue
            runs.append(
                LiveRun(
                    run_id=owner.run_id,
                    parent_run_id=run.parent_run_id,
                    agent=owner.agent,
                    root_agent=owner.root_agent,
                    door=owner.door,
                    labels=owner.labels,
                    age=max(0.0, now - run.started),
                )
            )
            if (response := self._live_response(run, now)) is not None:
                responses.append(response)
            tools.extend(
                LiveTool(
                    run_id=owner.run_id,
                    agent=owner.agent,
                    tool=call.tool,
                    kind=call.kind,
                    labels=owner.labels,
                    age=max(0.0, now - call.started),
                )
                for call in list(run.tools.open.values())
            )
        return Live(runs=tuple(runs), responses=tuple(responses), tools=tuple(tools))

    def _live_response(self, run: Run, now: float) -> LiveResponse | None:
        request = run.open_request
        if request is None or request.meter.stopped is not None:
            return None
        meter = request.meter
        since = meter.waiting_since if request.streamed else None
        wait = None if since is None else max(0.0, now - since)
        silent_for = meter.silent_for(now) if request.streamed else None
        stalled: Literal['first_token', 'mid_stream'] | None = None
        if silent_for is not None:
            if meter.chunks:
                stalled = 'mid_stream' if silent_for > self._around.stall_after else None
            else:
                stalled = 'first_token' if silent_for > self._around.slow_start_after else None
        provider, model = model_responses.asked_model(request.model, 0)
        return LiveResponse(
            run_id=run.owner.run_id,
            agent=run.owner.agent,
            provider=provider,
            model=model,
            labels=run.owner.labels,
            streamed=request.streamed,
            age=None if meter.started is None else max(0.0, now - meter.started),
            wait=wait,
            chunks=meter.chunks,
            window=None
            if meter.first_chunk is None or meter.is_held_back
            else meter.last_chunk - meter.first_chunk - meter.native_at_last,
            stalled=stalled,
        )
