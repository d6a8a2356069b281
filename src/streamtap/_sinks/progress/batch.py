"""How far many runs have got together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._records.failed import has_failed

if TYPE_CHECKING:
    from streamtap._base.clock import Clock
    from streamtap._records.records import RunRecord

RECENT = 100
"""The runs per second are those of the last so many runs, so that they follow a change."""

_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Batch:
    """How far many runs have got.

    Args:
        ended: How many have ended.
        failed: How many of those failed.
        open: How many are in progress.
        runs_per_second: How many of the last ones ended in a second; `None` before the first.
        total: How many there will be; `None` if nobody said.
    """

    ended: int
    failed: int
    open: int
    runs_per_second: float | None
    total: int | None = None

    @property
    def seconds_left(self) -> float | None:
        """An estimate of when all will have ended, if they go on as the last ones did."""
        if self.total is None or not self.runs_per_second or self.ended >= self.total:
            return None
        return (self.total - self.ended) / self.runs_per_second

    def parts(self) -> list[str]:
        """The parts of its line; `~` stands before the estimate."""
        of = '' if self.total is None else f' of {self.total:,}'
        pace, left = self.runs_per_second, self.seconds_left
        return [
            f'{self.ended:,}{of} runs',
            f'{self.failed:,} failed',
            f'{self.open:,} in progress',
            *([] if pace is None else [_pace(pace)]),
            *([] if left is None else [f'~{_time(left)} left']),
        ]


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment, and how many runs had ended and failed by then."""

    moment: float
    ended: int
    failed: int


class Ends:
    """Counts the runs that end, without those that another run called: they are part of that one.

    Args:
        clock: Tells when they do.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moments: deque[float] = deque(maxlen=RECENT)
        self._ended = 0
        self._failed = 0

    def add(self, record: RunRecord) -> None:
        """Count a run."""
        if record.parent_run_id is None:
            self._moments.append(self._clock.monotonic())
            self._ended += 1
            self._failed += has_failed(record)

    def mark(self) -> Mark:
        """The present moment."""
        return Mark(self._clock.monotonic(), self._ended, self._failed)

    def batch(self, since: Mark, open_runs: int, total: int | None) -> Batch:
        """How far the runs after a moment have got.

        Args:
            since: The moment.
            open_runs: How many are in progress.
            total: How many there will be.
        """
        now = self.mark()
        ended = now.ended - since.ended
        moments = [moment for moment in list(self._moments) if moment >= since.moment]
        if ended == len(moments):
            counted, first = ended, since.moment
        else:
            # Of more than are remembered the first one only says since when the others are counted.
            counted, first = len(moments) - 1, moments[0]
        # What comes after the last of them is no part of how fast they ended.
        last = moments[-1] if total is not None and ended >= total and moments else now.moment
        pace = counted / (last - first) if counted and last > first else None
        return Batch(ended, now.failed - since.failed, open_runs, pace, total)


def _pace(runs_per_second: float) -> str:
    units = (1, 's'), (_MINUTE, 'min'), (_HOUR, 'h')
    seconds, unit = next((each for each in units if runs_per_second * each[0] >= 1), units[-1])
    pace = runs_per_second * seconds
    return f'{pace:,.0f} runs/{unit}' if pace >= 10 else f'{pace:.1f} runs/{unit}'


def _time(seconds: float) -> str:
    whole = round(seconds)
    if whole < _MINUTE:
        return f'{whole} s'
    if whole < _HOUR:
        return f'{whole // _MINUTE} min {whole % _MINUTE} s'
    return f'{whole // _HOUR:,} h {whole % _HOUR // _MINUTE} min'
