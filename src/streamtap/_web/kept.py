"""Which finished runs are kept for the page: the latest, the slowest, those that failed, those that were cancelled."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Generic

from streamtap._web.shelves import Latest, Run, Slowest, SlowestLately

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._web.shelves import Shelf

NEWEST = 200
SLOWEST = 100
"""How many of the slowest runs since the beginning are kept."""

SLOWEST_LATELY = 30
"""How many of the slowest runs of each time are kept that reaches from a moment of the last 15 minutes to now."""

LATELY_SECONDS = 900.0

MOST_LATELY = 250
"""At most how many runs that takes: 30 times (1 + the logarithm of the runs per 30) where durations come in any order."""

FAILED = 100
CANCELLED = 100

KEPT: Mapping[str, int] = {
    'newest': NEWEST,
    'slowest': SLOWEST,
    'slowest_lately': SLOWEST_LATELY,
    'failed': FAILED,
    'cancelled': CANCELLED,
}

MOST_GONE = 2000
"""How many runs that are no longer kept are remembered by number; a viewer that missed more is told everything again."""


@dataclass(frozen=True, slots=True)
class News(Generic[Run]):
    """What a viewer does not know yet.

    Args:
        count: How many runs have been added by now.
        is_all: Whether `runs` is all that is kept, and nothing that the viewer knew before counts.
        runs: The runs, oldest first.
        gone: The numbers of runs that the viewer knew and that are no longer kept.
    """

    count: int
    is_all: bool
    runs: list[Run]
    gone: list[int]


class KeptRuns(Generic[Run]):
    """Keeps each run as long as one of the choices needs it; a run that several need is there once."""

    def __init__(self) -> None:
        self._count = 0
        self._runs: dict[int, Run] = {}
        self._gone: deque[tuple[int, int]] = deque(maxlen=MOST_GONE)
        self._newest = Latest[Run](NEWEST)
        self._slowest = Slowest[Run](SLOWEST)
        self._lately = SlowestLately[Run](SLOWEST_LATELY, LATELY_SECONDS, MOST_LATELY)
        self._failed = Latest[Run](FAILED)
        self._cancelled = Latest[Run](CANCELLED)

    @property
    def slowest_lately_since(self) -> float | None:
        """The slowest runs of a time that begins earlier are not all kept; `None` if all are."""
        return self._lately.complete_since

    def add(self, run: Run, *, failed: bool, cancelled: bool) -> None:
        """Keep a run.

        Args:
            run: The run; it gets its number.
            failed: Whether it failed.
            cancelled: Whether it was cancelled.
        """
        self._count += 1
        run.number = self._count
        self._runs[run.number] = run
        shelves: list[Shelf[Run]] = [self._newest]
        if run.duration is not None:
            shelves += [self._slowest, self._lately]
        if failed:
            shelves.append(self._failed)
        if cancelled:
            shelves.append(self._cancelled)
        run.shelves = len(shelves)
        for shelf in shelves:
            for out in shelf.add(run):
                self._put_out(out)

    def _put_out(self, run: Run) -> None:
        run.shelves -= 1
        if not run.shelves:
            del self._runs[run.number]
            self._gone.append((self._count, run.number))

    def since(self, after: int | None) -> News[Run]:
        """What is new to a viewer.

        Args:
            after: How many runs had been added when the viewer last asked; `None` if it never did.
        """
        if after is None or (len(self._gone) == MOST_GONE and self._gone[0][0] > after):
            return News(self._count, is_all=True, runs=list(self._runs.values()), gone=[])
        new = list(takewhile(lambda run: run.number > after, reversed(self._runs.values())))
        gone = takewhile(lambda each: each[0] > after, reversed(self._gone))
        return News(self._count, is_all=False, runs=new[::-1], gone=[number for _, number in gone if number <= after])
