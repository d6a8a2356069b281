"""When a run is over that nobody tells the end of: the runs of the handler door, between their calls and after."""

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

from streamtap import _upstream
from streamtap._forks import tell_forks
from streamtap._guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._records import Door, RunOutcome
    from streamtap._run import Run
    from streamtap._runs import Runs
    from streamtap._surroundings import Surroundings


@dataclass(slots=True, eq=False)
class Watched:
    """A run between its first call of the handler and its report."""

    run: Run
    last_end: float
    active: bool = True
    step: int = 0
    outcome: RunOutcome = 'incomplete'
    error_type: str | None = None
    reads: Callable[[], object] = field(default=lambda: None)
    """The events that were last read of it."""
    finalizer: weakref.finalize[..., object] | None = None
    unhook_task: Callable[[], object] = field(default=lambda: None)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.owner.run_id

    @property
    def door(self) -> Door:
        """The door through which it is seen."""
        return self.run.owner.door

    def raised(self, error: BaseException, ctx: object) -> None:
        """A call ended with an exception; if no other follows, it ended the run."""
        self.outcome, self.error_type = _upstream.run_ending(error, ctx)


class Endings:
    """Keeps the handler's runs and reports each when it is over.

    A run is over when what lives as long as it does is collected (pydantic-ai lets go of it then), else when its task
    ends and it does not go on in another, else after `settle_after` seconds without a call, or when the tap is closed.
    That a new run begins in the same task proves nothing: a validator may have called another agent in between.

    Args:
        runs: The tap's open runs.
        around: What all runs share.
        settle_after: Seconds after which a run that was not called again is taken to be over.
    """

    def __init__(self, runs: Runs, around: Surroundings, *, settle_after: float) -> None:
        self._runs = runs
        self._around = around
        self._settle_after = settle_after
        self._watched: dict[str, Watched] = {}
        self._idle: OrderedDict[str, Watched] = OrderedDict()
        # Filled by finalizers, which run at any moment, even inside a lock of ours or of a sink's: they only append.
        self._over: deque[Watched] = deque()
        self._lock = threading.RLock()
        tell_forks(self)

    def forked(self) -> None:
        """Forget the runs of the parent."""
        self._lock = threading.RLock()
        self._watched.clear()
        self._idle.clear()
        self._over.clear()

    def begin(self, run: Run, lives_as_long: object) -> Watched:
        """Watch a run from its first call on; it is active until `leave`.

        Args:
            run: The run.
            lives_as_long: Something that nobody holds when the run is over.
        """
        watched = Watched(run, run.started)
        with self._lock:
            self._watched[watched.run_id] = watched
        with contextlib.suppress(TypeError):  # it cannot be weakly referenced: the other signals remain
            watched.finalizer = weakref.finalize(lives_as_long, self._collected, watched)
            watched.finalizer.atexit = False
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                self._listen_to_task(watched, task, lives_as_long)
        return watched

    def watched(self, run_id: str) -> Watched | None:
        """The watched run of that id, whether or not a call of it goes on."""
        return self._watched.get(run_id)

    def enter(self, watched: Watched) -> bool:
        """A call of the run begins; `False` if one goes on already, or the run was reported this moment."""
        with self._lock:
            if watched.active or self._watched.get(watched.run_id) is not watched:
                return False
            watched.active = True
            self._idle.pop(watched.run_id, None)
            return True

    def leave(self, watched: Watched) -> None:
        """A call of the run is over; until the next one nobody knows whether the run is."""
        watched.last_end = self._around.clock.monotonic()
        with self._lock:
            watched.active = False
            if self._watched.get(watched.run_id) is watched:
                self._idle[watched.run_id] = watched

    def give_up(self, watched: Watched) -> None:
        """The run will not go on."""
        self._report(watched)

    def idle(self) -> frozenset[str]:
        """The ids of runs that are between two calls, and perhaps over."""
        with self._lock:
            return frozenset(self._idle)

    def catch_up(self) -> None:
        """Report the runs that are known to be over by now."""
        while self._over:
            try:
                watched = self._over.popleft()
            except IndexError:  # another thread was faster
                break
            self._report(watched)
        for watched in self._stale(self._around.clock.monotonic() - self._settle_after):
            self._report(watched)

    def search(self, generation: int) -> None:
        """Report the runs that are over, those included that only the garbage collector can tell.

        A retry or a failure inside a run leaves it in a cycle; a reader who asks right after the run
        should find it all the same.

        Args:
            generation: What to collect, if any run is in doubt: 1 costs under a millisecond, 2 looks everywhere.
        """
        if self._idle:
            gc.collect(generation)
        self.catch_up()

    def close(self) -> None:
        """Report every run, over or not."""
        for watched in list(self._watched.values()):
            watched.active = False
            self._report(watched)

    def _listen_to_task(self, watched: Watched, task: asyncio.Task[object], lives_as_long: object) -> None:
        alive = weakly(lives_as_long)

        def ended(_: object) -> None:
            # Whoever drives a run by hand may do each step in a task of its own; a task's context holds the run.
            watched.unhook_task = lambda: None
            with guarded(self._around.out, watched.door):
                if not _upstream.goes_on(alive()):
                    self._over.append(watched)
                    self.catch_up()

        # In a context of its own: the present one holds the run.
        task.add_done_callback(ended, context=Context())
        watched.unhook_task = lambda: task.remove_done_callback(ended)

    def _collected(self, watched: Watched) -> None:
        self._over.append(watched)
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
    """The object, as long as others hold it; nothing, if it cannot be held like that."""
    try:
        return weakref.ref(held)
    except TypeError:
        return lambda: None
