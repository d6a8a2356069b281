"""Infers the end of runs for which none is reported: those of handlers and of watched node streams."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections import OrderedDict, deque
from contextvars import Context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks
from streamtap._delivery.guard import guarded
from streamtap._upstream import outcomes, run_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records.records import Door, RunOutcome
    from streamtap._runs.registry import Runs
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Surroundings


@dataclass(slots=True, eq=False)
class Watched:
    """A run from its first call until it is reported."""

    run: Run
    last_end: float
    active: bool = True
    step: int = 0
    outcome: RunOutcome = 'incomplete'
    error_type: str | None = None
    last_events: Callable[[], object] = field(default=lambda: None)
    """The events that its latest call was given, if they still exist."""
    finalizer: weakref.finalize[..., object] | None = None
    unhook_task: Callable[[], object] = field(default=lambda: None)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.owner.run_id

    @property
    def door(self) -> Door:
        """The door that measures it."""
        return self.run.owner.door

    def raised(self, error: BaseException, ctx: object) -> None:
        """A call ended with an exception; if no other call follows, that ended the run."""
        self.outcome, self.error_type = outcomes.run_ending(error, ctx)


class Endings:
    """Keeps such runs and reports each when it has ended.

    A run has ended when its lifetime object is garbage-collected (pydantic-ai has released it), when its task ends and
    the run does not continue in another, after `settle_after` seconds without a call, or when the tap is closed. A new
    run in the same task proves nothing: a validator may have called another agent in between.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        settle_after: Seconds without a call after which a run is taken to have ended.
    """

    def __init__(self, runs: Runs, around: Surroundings, *, settle_after: float) -> None:
        self._runs = runs
        self._around = around
        self._settle_after = settle_after
        self._watched: dict[str, Watched] = {}
        self._idle: OrderedDict[str, Watched] = OrderedDict()
        # Filled by finalizers, which run at any moment, even while our lock or a sink's is held: they only append.
        self._ended: deque[Watched] = deque()
        self._lock = threading.RLock()
        tell_forks(self)

    def forked(self) -> None:
        """Forget the parent's runs."""
        self._lock = threading.RLock()
        self._watched.clear()
        self._idle.clear()
        self._ended.clear()

    def begin(self, run: Run, lifetime: object) -> Watched:
        """Watch a run from its first call on; it is active until `leave`.

        Args:
            run: The run.
            lifetime: An object that is released when the run ends.
        """
        watched = Watched(run, run.started)
        with self._lock:
            self._watched[watched.run_id] = watched
        with contextlib.suppress(TypeError):  # not weakly referenceable: the other signals remain
            watched.finalizer = weakref.finalize(lifetime, self._collected, watched)
            watched.finalizer.atexit = False
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                self._listen_to_task(watched, task, lifetime)
        return watched

    def watched(self, run_id: str) -> Watched | None:
        """The watched run of that id, whether or not a call of it is in progress."""
        return self._watched.get(run_id)

    def enter(self, watched: Watched) -> bool:
        """A call of the run begins; `False` if another is in progress, or the run has just been reported."""
        with self._lock:
            if watched.active or self._watched.get(watched.run_id) is not watched:
                return False
            watched.active = True
            self._idle.pop(watched.run_id, None)
            return True

    def leave(self, watched: Watched) -> None:
        """A call of the run is over; until the next one it is unknown whether the run has ended."""
        watched.last_end = self._around.clock.monotonic()
        with self._lock:
            watched.active = False
            if self._watched.get(watched.run_id) is watched:
                self._idle[watched.run_id] = watched

    def give_up(self, watched: Watched) -> None:
        """Report a run that will not continue."""
        self._report(watched)

    def idle(self) -> frozenset[str]:
        """The ids of runs that are between two calls, or have ended."""
        with self._lock:
            return frozenset(self._idle)

    def catch_up(self) -> None:
        """Report the runs that are known to have ended."""
        while self._ended:
            try:
                watched = self._ended.popleft()
            except IndexError:  # another thread was faster
                break
            self._report(watched)
        for watched in self._stale(self._around.clock.monotonic() - self._settle_after):
            self._report(watched)

    def search(self, generation: int) -> None:
        """Report the runs that have ended, including those that only a garbage collection reveals.

        A retry or a failure leaves a run in a reference cycle; a read right after the run should still include it.

        Args:
            generation: What to collect, if any run is idle: 1 costs under a millisecond, 2 is a full collection.
        """
        if self._idle:
            gc.collect(generation)
        self.catch_up()

    def close(self) -> None:
        """Report every run, ended or not."""
        for watched in list(self._watched.values()):
            watched.active = False
            self._report(watched)

    def _listen_to_task(self, watched: Watched, task: asyncio.Task[object], lifetime: object) -> None:
        alive = weakly(lifetime)

        def ended(_: object) -> None:
            # The task's context keeps the run alive, so drop the task. The run may continue in another one: whoever
            # drives a run by hand may take each step in a task of its own.
            watched.unhook_task = lambda: None
            with guarded(self._around.out, watched.door):
                if not run_context.goes_on(alive()):
                    self._ended.append(watched)
                    self.catch_up()

        # In an empty context: the current one would keep the run alive.
        task.add_done_callback(ended, context=Context())
        watched.unhook_task = lambda: task.remove_done_callback(ended)

    def _collected(self, watched: Watched) -> None:
        self._ended.append(watched)
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_soon(self.catch_up)

    def _stale(self, deadline: float) -> list[Watched]:
        found: list[Watched] = []
        with self._lock:
            for watched in self._idle.values():
                if watched.last_end > deadline:
                    break
                found.append(watched)
        return found

    def _report(self, watched: Watched) -> None:
        with self._lock:
            if watched.active or self._watched.get(watched.run_id) is not watched:
                return
            del self._watched[watched.run_id]
            self._idle.pop(watched.run_id, None)
        if watched.finalizer is not None:
            watched.finalizer.detach()
        with guarded(self._around.out, watched.door):
            watched.unhook_task()
            watched.unhook_task = lambda: None
            if self._runs.remove(watched.run):
                watched.run.end(watched.outcome, error_type=watched.error_type, now=watched.last_end)


def weakly(held: object) -> Callable[[], object]:
    """A weak reference to the object; if it supports none, a function that returns `None`."""
    try:
        return weakref.ref(held)
    except TypeError:
        return lambda: None
