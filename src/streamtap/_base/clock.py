"""The two clocks that a measurement needs, as a parameter."""

from __future__ import annotations

import time
from typing import Protocol


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
