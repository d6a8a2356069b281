"""Clocks that jump."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS = st.one_of(st.sampled_from((0.0, 1e-9, 0.001, 0.5, 6.0, 1e9, -1e-9, -0.5, -1e9)), st.floats(-1e6, 1e6))
"""How far a clock goes between two readings: also backwards, and by decades."""


class JumpingClock:
    """A clock of which both hands jump at each reading.

    Args:
        steps: Seconds between the readings, again and again.
        unix: Where the wall clock begins, in seconds since the epoch.
    """

    def __init__(self, steps: Sequence[float], unix: float = 1_767_225_600.0) -> None:
        self._steps = itertools.cycle(steps)
        self._monotonic = 1000.0
        self._unix = unix

    def monotonic(self) -> float:
        """Seconds on a clock that ought not to go back."""
        self._monotonic += next(self._steps)
        return self._monotonic

    def unix_ns(self) -> int:
        """Nanoseconds since the epoch."""
        self._unix += next(self._steps)
        return round(self._unix * 1e9)


CLOCKS = st.builds(JumpingClock, st.lists(SECONDS, min_size=1, max_size=12), SECONDS.map(abs))
"""Such clocks."""
