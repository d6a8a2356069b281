"""An event loop whose time is simulated: nobody waits, and hours pass as fast as their events can be worked off."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectors import SelectorKey


class _Selector(selectors.SelectSelector):
    """Instead of waiting for its next timer, the loop is told that the time has come."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """What is ready; if nothing is, all the time that was to be waited passes."""
        if ready := super().select(0):
            return ready
        if timeout is None:
            # Only another thread can have something to do.
            return super().select(0.05)
        self.passed += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop in simulated time, which is also a clock for taps.

    Args:
        began: The wall-clock time at which it begins, in seconds since the epoch.
    """

    def __init__(self, began: float) -> None:
        self._simulated = _Selector()
        super().__init__(self._simulated)
        self.began = began

    def time(self) -> float:
        """Simulated seconds since the loop began."""
        return self._simulated.passed

    def monotonic(self) -> float:
        """The same, for a tap."""
        return self._simulated.passed

    def unix_ns(self) -> int:
        """The simulated wall-clock time, in nanoseconds since the epoch."""
        return round((self.began + self._simulated.passed) * 1e9)
