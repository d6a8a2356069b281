"""What keeps a bounded number of runs by one rule each."""

from __future__ import annotations

import heapq
from collections import deque
from typing import Generic, Protocol, TypeVar

_BETWEEN = 64
"""How many runs are added between two looks for those that need not be kept."""


class Keepable(Protocol):
    """A finished run; `ended` in seconds of any clock, and `number` and `shelves` are for `KeptRuns`."""

    number: int
    shelves: int
    ended: float

    @property
    def duration(self) -> float | None:
        """How long the run took, in seconds, if that is known."""


Run = TypeVar('Run', bound=Keepable)


class Shelf(Protocol[Run]):
    """Keeps some runs."""

    def add(self, run: Run) -> list[Run]:
        """Put a run in; returns what is out for it."""
        ...


class Latest(Generic[Run]):
    """The last runs.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._runs: deque[Run] = deque()

    def add(self, run: Run) -> list[Run]:
        """Put a run in; returns what is out for it."""
        self._runs.append(run)
        return [self._runs.popleft()] if len(self._runs) > self._most else []


class Slowest(Generic[Run]):
    """The slowest runs of all; of equally slow ones the later.

    Args:
        most: How many.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._runs: list[tuple[float, int, Run]] = []

    def add(self, run: Run) -> list[Run]:
        """Put a run in; returns what is out for it."""
        entry = (run.duration or 0.0, run.number, run)
        if len(self._runs) < self._most:
            heapq.heappush(self._runs, entry)
            return []
        return [heapq.heappushpop(self._runs, entry)[2]]


class SlowestLately(Generic[Run]):
    """The slowest runs of every time that reaches until now.

    A run is out once enough later ones took as long: from then on it is among the slowest of no such time.

    Args:
        each: How many of each time.
        seconds: How long the longest time is.
        most: How many are kept at most.
    """

    def __init__(self, each: int, seconds: float, most: int) -> None:
        self._each = each
        self._seconds = seconds
        self._most = most
        self._runs: deque[Run] = deque()
        self._next_look = _BETWEEN
        self.complete_since: float | None = None
        """The end of the last run that would have to be kept, and is not: all after it are. `None` if there is none."""

    def add(self, run: Run) -> list[Run]:
        """Put a run in; returns what is out."""
        self._runs.append(run)
        return self._look(run.ended) if len(self._runs) >= self._next_look else []

    def _look(self, now: float) -> list[Run]:
        kept: deque[Run] = deque()
        out: list[Run] = []
        later: list[float] = []
        for run in reversed(self._runs):
            duration = run.duration or 0.0
            if len(later) < self._each:
                heapq.heappush(later, duration)
            elif duration > later[0]:
                heapq.heapreplace(later, duration)
            else:
                out.append(run)
                continue
            if now - run.ended > self._seconds:
                out.append(run)
            else:
                kept.appendleft(run)
        while len(kept) > self._most:
            self.complete_since = kept[0].ended
            out.append(kept.popleft())
        self._runs = kept
        self._next_look = len(kept) + _BETWEEN
        return out
