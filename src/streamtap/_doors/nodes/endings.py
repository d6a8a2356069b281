"""Finds out when runs end of which only streams are seen: those of handlers and of watched nodes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections import OrderedDict, deque
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING

from streamtap._base.forks import tell_forks
from streamtap._doors.nodes.node_run import NodeRun
from streamtap._upstream import run_context, run_end

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._runs.registry import Runs
    from streamtap._runs.run import Run
    from streamtap._runs.shared import Shared
    from streamtap._upstream.run_end import Ending


class Endings:
    """Keeps such runs and reports each when it has ended.

    A run's end is told as it happens. One that never comes to its end, and any whose end pydantic-ai does not tell, has
    ended when its lifetime object is garbage-collected, as pydantic-ai has released it, when its task ends and the run
    does not continue in another, or when the tap is closed; where no end will be told, also after `settle_after` seconds
    without a call. A new run in the same task proves nothing: a validator may have called another
    agent in between.

    Args:
        runs: The tap's open runs.
        shared: What all runs share.
        settle_after: Seconds without a call after which a run whose end is not told is taken to have ended.
    """

    def __init__(self, runs: Runs, shared: Shared, *, settle_after: float) -> None:
        self._runs = runs
        self._shared = shared
        self._settle_after = settle_after
        self._node_run: dict[str, NodeRun] = {}
        self._idle: OrderedDict[str, NodeRun] = OrderedDict()
        # Filled by finalizers, which run at any moment, even while our lock or a sink's is held: they only append.
        self._ended: deque[NodeRun] = deque()
        self._lock = threading.RLock()
        tell_forks(self)

    def forked(self) -> None:
        """Forget the parent's runs."""
        self._lock = threading.RLock()
        self._node_run.clear()
        self._idle.clear()
        self._ended.clear()

    def begin(self, run: Run, ctx: object) -> NodeRun:
        """Watch a run from its first call on; it is active until `leave`.

        Args:
            run: The run.
            ctx: Its context.
        """
        node_run, lifetime = NodeRun(run, run.started), run_context.lifetime(ctx)
        with self._lock:
            self._node_run[node_run.run_id] = node_run
        with node_run.run.guard:
            node_run.is_told = run_end.tell_end(ctx, partial(self._told, node_run))
        with contextlib.suppress(TypeError):  # not weakly referenceable: the other signals remain
            node_run.finalizer = weakref.finalize(lifetime, self._collected, node_run)
            node_run.finalizer.atexit = False
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                self._listen_to_task(node_run, task, lifetime)
        return node_run

    def node_run(self, run_id: str) -> NodeRun | None:
        """The run of that id, whether or not a call of it is in progress."""
        return self._node_run.get(run_id)

    def enter(self, node_run: NodeRun) -> bool:
        """A call of the run begins; `False` if another is in progress, or the run has just been reported."""
        with self._lock:
            if node_run.active or self._node_run.get(node_run.run_id) is not node_run:
                return False
            node_run.active = True
            node_run.outcome, node_run.error_type = 'incomplete', None
            self._idle.pop(node_run.run_id, None)
            return True

    def leave(self, node_run: NodeRun) -> None:
        """A call of the run is over; until the next one it is unknown whether the run has ended."""
        node_run.last_end = self._shared.clock.monotonic()
        with self._lock:
            node_run.active = False
            if self._node_run.get(node_run.run_id) is node_run:
                self._idle[node_run.run_id] = node_run

    def give_up(self, node_run: NodeRun) -> None:
        """Report a run that will not continue."""
        self._report(node_run)

    def idle(self) -> frozenset[str]:
        """The ids of runs that are between two calls, or have ended: where no end is told, nobody knows which."""
        with self._lock:
            return frozenset(run_id for run_id, node_run in self._idle.items() if not node_run.is_told)

    def catch_up(self) -> None:
        """Report the runs that are known to have ended."""
        while self._ended:
            try:
                node_run = self._ended.popleft()
            except IndexError:  # another thread was faster
                break
            self._report(node_run)
        for node_run in self._stale(self._shared.clock.monotonic() - self._settle_after):
            self._report(node_run)

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
        for node_run in list(self._node_run.values()):
            if node_run.active or (node_run.is_told and not node_run.is_over):
                node_run.outcome, node_run.error_type = 'incomplete', None
            node_run.active = False
            self._report(node_run)

    def _listen_to_task(self, node_run: NodeRun, task: asyncio.Task[object], lifetime: object) -> None:
        alive = weakly(lifetime)

        def ended(_: object) -> None:
            # The task's context keeps the run alive, so drop the task. The run may continue in another one: whoever
            # drives a run by hand may take each step in a task of its own.
            node_run.unhook_task = lambda: None
            with node_run.run.guard:
                if not run_context.goes_on(alive()):
                    self._ended.append(node_run)
                    self.catch_up()

        # In an empty context: the current one would keep the run alive.
        task.add_done_callback(ended, context=Context())
        node_run.unhook_task = lambda: task.remove_done_callback(ended)

    def _told(self, node_run: NodeRun, how: Callable[[], Ending | None]) -> None:
        """The run is over; a stream of it that is still being read was left."""
        ending: Ending | None = None
        with node_run.run.guard:
            ending = how()
        with node_run.run.guard:
            node_run.is_over = True
            if ending is not None:
                node_run.outcome, node_run.error_type = ending
            node_run.last_end = self._shared.clock.monotonic()
            node_run.active = False
            self._report(node_run)

    def _collected(self, node_run: NodeRun) -> None:
        self._ended.append(node_run)
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_soon(self.catch_up)

    def _stale(self, deadline: float) -> list[NodeRun]:
        found: list[NodeRun] = []
        with self._lock:
            for node_run in self._idle.values():
                if node_run.last_end > deadline:
                    break
                if not node_run.is_told:
                    found.append(node_run)
        return found

    def _report(self, node_run: NodeRun) -> None:
        with self._lock:
            if node_run.active or self._node_run.get(node_run.run_id) is not node_run:
                return
            del self._node_run[node_run.run_id]
            self._idle.pop(node_run.run_id, None)
        if node_run.finalizer is not None:
            node_run.finalizer.detach()
        with node_run.run.guard:
            node_run.unhook_task()
            node_run.unhook_task = lambda: None
            is_end_known = node_run.is_over or node_run.outcome != 'incomplete'
            self._runs.end(
                node_run.run,
                node_run.outcome,
                node_run.error_type,
                now=node_run.last_end,
                is_end_known=is_end_known,
            )


def weakly(held: object) -> Callable[[], object]:
    """A weak reference to the object; if it supports none, a function that returns `None`."""
    try:
        return weakref.ref(held)
    except TypeError:
        return lambda: None
