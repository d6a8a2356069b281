"""The two clocks that a measurement needs, as a parameter, and how one is converted to the other."""

from __future__ import annotations

import time
from typing import NamedTuple, Protocol

LATEST_NS = 2**62
"""In the year 2116: exporters write a time as 64 bits, and lose the whole batch if one does not fit."""


class Clock(Protocol):
    """Where the tap reads the time; tests pass their own."""

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences are meaningful."""
        ...

    def unix_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.perf_counter)
    unix_ns = staticmethod(time.time_ns)


def stamp(unix_ns: int) -> int:
    """The time as a timestamp that can be exported: clamped, as a clock that jumps can make it anything."""
    return min(max(0, unix_ns), LATEST_NS)


def after(unix_ns: int, seconds: float) -> int:
    """The timestamp that is `seconds` after another one."""
    return stamp(unix_ns + round(seconds * 1e9))


class Moments(NamedTuple):
    """Converts between the monotonic clock of measurements and the wall clock of timestamps."""

    monotonic: float
    unix_ns: int

    def to_unix_ns(self, moment: float) -> int:
        """The wall-clock time of a monotonic moment."""
        return after(self.unix_ns, moment - self.monotonic)

    def to_monotonic(self, unix_seconds: float) -> float:
        """The monotonic moment of a wall-clock time."""
        return self.monotonic + (unix_seconds - self.unix_ns / 1e9)
