"""The open runs of a tap: which door owns a run id, and which run called which."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Literal

from streamtap._base.forks import tell_forks
from streamtap._base.names import clean
from streamtap._records.records import CalledRuns
from streamtap._runs.identity import RunIdentity
from streamtap._runs.loop_lag import LoopLagMeter
from streamtap._runs.replay import ReplayGate
from streamtap._runs.run import Run
from streamtap._runs.run_end import end_run
from streamtap._runs.snapshot import snapshot
from streamtap._runs.unnamed_agents import UnnamedAgents
from streamtap._runs.user_labels import UserLabels
from streamtap._upstream import run_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamtap._records.live import Live
    from streamtap._records.records import Door, RunOutcome
    from streamtap._runs.caller import Caller
    from streamtap._runs.shared import Shared
    from streamtap._runs.user_labels import LabelNames

MAX_OPEN_RUNS = 50_000
"""How many open runs a tap keeps; a new one then evicts the oldest, which is reported as incomplete and counted."""

MAX_REPORTED = 10_000
"""How many run ids are remembered after their report, so that a run is never counted twice."""


class Runs:
    """Every open run of a tap, by run id. Thread-safe: each run is fed by one task, and read by any number.

    Args:
        shared: What all runs share.
        labels: The user's own dimensions.
        caller: The run whose tool is executing in the current context: the parent of a run that begins there.
        loop_lag_every: Seconds between two measurements of the event loop's lag; `None` for none.
    """

    def __init__(self, shared: Shared, labels: LabelNames, caller: Caller, loop_lag_every: float | None = None) -> None:
        self._shared = shared
        self._labels = UserLabels(labels, shared.out)
        self._caller = caller
        self._loop_lag = None
        if loop_lag_every is not None:
            self._loop_lag = LoopLagMeter(shared.out, loop_lag_every, lambda: bool(self._open))
        self._unnamed = UnnamedAgents()
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
        ctx: object,
        who: run_context.Who,
        door: Door,
        *,
        started: float,
        call: Literal['first', 'later'],
        agent: str | None = None,
    ) -> Run | None:
        """Open the run of a context; `None` if its id is open already, as the first opener owns it, or if it has none.

        A run that was reported already is reopened for its requests and tools only, and only by the door that reported
        it; for any other door, too, this is `None`.

        Args:
            ctx: The run's context.
            who: What the context says of the run.
            door: The door that opens it.
            started: When it started, on the monotonic clock.
            call: `first` if the run certainly begins here, `later` if it may have been reported before.
            agent: The agent as the user named it, if not by its own name.
        """
        called_from, tool_call_id = self._caller.get()
        if not who.run_id or not self._may_open(who.run_id, door, call):
            return None
        shared, gate = self._shared, None
        if who.is_durable:
            gate = ReplayGate(shared.out, self.reported_calls(who.run_id))
            shared = shared._replace(out=gate)
        caller = self._nearest_open(called_from)
        # Of a caller further up it is not known here which of its calls led to this run.
        call_id = tool_call_id if caller is not None and caller is called_from else None
        identity = self._identity(ctx, who, door, called_from, caller, call_id, agent)
        run = Run(identity, started, shared, gate, caller=caller)
        evicted: Run | None = None
        with self._lock:
            # Another thread may have opened it meanwhile.
            if not self._may_open(who.run_id, door, call):
                return None
            run.reported_before = call == 'later' and who.run_id in self._reported
            if len(self._open) >= MAX_OPEN_RUNS:
                evicted = next(iter(self._open.values()))
            self._open[who.run_id] = run
            if caller is not None:
                caller.calls.add(run)
            elif not run.reported_before:
                run.attempt = shared.questions.attempt(started)
        if evicted is not None:
            self._shared.out.dropped('open_runs')
            self.end(evicted, 'incomplete', None, now=self._shared.clock.monotonic(), is_end_known=False)
        if self._loop_lag is not None:
            self._loop_lag.run_opened()
        if run.reported_before:
            self._shared.out.dropped('reopened_runs')
        else:
            run.announce(called_from)
        return run

    def _may_open(self, run_id: str, door: Door, call: Literal['first', 'later']) -> bool:
        return run_id not in self._open and (call == 'first' or self._reported.get(run_id) in (None, door))

    def unopened(self, ctx: object, door: Door) -> Run:
        """A run of which only a part is seen here, so that it is neither open nor reported itself."""
        identity = self._identity(ctx, run_context.who(ctx), door, None, None, None, None)
        return Run(identity, self._shared.clock.monotonic(), self._shared)

    def end(
        self, run: Run, outcome: RunOutcome, error_type: str | None, *, now: float, is_end_known: bool = True
    ) -> None:
        """Report the run, unless that was done before.

        Args:
            run: The run.
            outcome: How it ended; `incomplete` if that is not known.
            error_type: The type of the exception that ended it, if one did.
            now: When it ended, or until when it was seen.
            is_end_known: Whether it ended then.
        """
        run_id = run.identity.run_id
        with self._lock:
            if self._open.get(run_id) is not run:
                return
            del self._open[run_id]
            self._remember(run)
            self._hand_over_calls(run)
        with run.guard:
            end_run(run, outcome, error_type=error_type, now=now, is_end_known=is_end_known)
        with self._lock:
            caller = self._nearest_open(run.caller)
            if caller is not None:
                # Only now: a caller that ended meanwhile found it among its calls.
                caller.calls.discard(run)
                caller.called += run.used()
                caller.has_unpriced |= run.has_unpriced
                if run.failure is not None:
                    caller.failures.called_run(run.started, run.failure)

    def _nearest_open(self, run: Run | None) -> Run | None:
        """The run itself if it is open, else the nearest of its callers that is."""
        while run is not None and self._open.get(run.identity.run_id) is not run:
            run = run.caller
        return run

    def _hand_over_calls(self, run: Run) -> None:
        """The runs that a run called and that outlive it have the nearest open caller now.

        Without one, what they have used so far is part of what this run called: nobody else accounts for it.
        """
        caller = run.caller = self._nearest_open(run.caller)
        if caller is None:
            run.called += _used(run.calls)
        else:
            caller.calls |= run.calls
        for called in run.calls:
            called.caller = caller
        run.calls.clear()

    def _remember(self, run: Run) -> None:
        self._reported[run.identity.run_id] = run.identity.door
        if len(self._reported) > MAX_REPORTED:
            self._reported.popitem(last=False)

    def close(self) -> None:
        """The tap is closed: report every run that is still open, whose outcome stays unknown."""
        for run in self._all_open():
            self.end(run, 'incomplete', None, now=self._shared.clock.monotonic(), is_end_known=False)

    def live(self, idle: frozenset[str]) -> Live:
        """A snapshot of what is open now, without the `idle` runs: those between two calls of their handler."""
        return snapshot((run for run in self._all_open() if run.identity.run_id not in idle), self._shared)

    def reported_calls(self, run_id: str) -> set[tuple[int, str]]:
        """The reported tool calls of a durable run, by step and id: if it is retried, it may make them again."""
        with self._lock:
            reported = self._reported_calls.setdefault(run_id, set())
            if len(self._reported_calls) > MAX_REPORTED:
                self._reported_calls.popitem(last=False)
            return reported

    def _all_open(self) -> tuple[Run, ...]:
        with self._lock:
            return tuple(self._open.values())

    def _identity(
        self,
        ctx: object,
        who: run_context.Who,
        door: Door,
        called_from: Run | None,
        caller: Run | None,
        tool_call_id: str | None,
        agent: str | None,
    ) -> RunIdentity:
        name = who.agent if agent is None else agent
        inherited: Mapping[str, str] = called_from.identity.labels if called_from is not None else {}
        return RunIdentity(
            run_id=who.run_id,
            conversation_id=self._shared.redact.if_known('conversation_id', who.conversation_id),
            parent_run_id=caller.identity.run_id if caller is not None else None,
            parent_tool_call_id=clean(tool_call_id) if tool_call_id is not None else None,
            agent=name,
            root_agent=caller.identity.root_agent if caller is not None else name,
            door=door,
            labels=self._labels.of_run(ctx, inherited),
            conversation=hash((who.conversation_id or who.run_id, name)),
            instrumented=run_context.is_instrumented(ctx),
            unnamed_agents=self._unnamed.with_this(run_context.agent_of(ctx)) if name == run_context.UNNAMED else 0,
        )


def _used(runs: Iterable[Run]) -> CalledRuns:
    """What open runs have used so far, with all that they called."""
    return sum((run.used() + _used(run.calls) for run in runs), CalledRuns())
