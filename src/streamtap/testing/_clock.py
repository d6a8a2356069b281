"""A clock that stands still until it is advanced."""

from __future__ import annotations


class FakeClock:
    """A clock for tests: time only passes through `advance`.

    Args:
        monotonic: Where the monotonic clock starts, in seconds. Default 1000.
        unix: Where the wall clock starts, in seconds since the epoch. Default 2026-01-01T00:00:00Z.
    """

    def __init__(self, monotonic: float = 1000.0, unix: float = 1_767_225_600.0) -> None:
        self._monotonic = monotonic
        self._unix_ns = round(unix * 1e9)

    def advance(self, seconds: float) -> None:
        """Let time pass.

        Args:
            seconds: How much, at least 0.

        Raises:
            ValueError: If `seconds` is below 0: this clock never goes back.
        """
        if seconds < 0:
            raise ValueError(f'time cannot go back: advance() takes at least 0 seconds, not {seconds!r}')
        self._monotonic += seconds
        self._unix_ns += round(seconds * 1e9)

    def monotonic(self) -> float:
        """Seconds on the monotonic clock."""
        return self._monotonic

    def unix_ns(self) -> int:
        """Nanoseconds since the epoch."""
        return self._unix_ns
