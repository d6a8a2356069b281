"""What every run of a tap shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._base.clock import Clock
    from streamtap._delivery.dispatch import Dispatch
    from streamtap._delivery.tracing import Tracing
    from streamtap._records.records import Door
    from streamtap._runs.price import Pricing

LATEST_NS = 2**62
"""In the year 2116: exporters write a time as 64 bits, and lose the whole batch if one does not fit."""


def stamp(unix_ns: int) -> int:
    """The time as a timestamp that can be exported: clamped, as a clock that jumps can make it anything."""
    return min(max(0, unix_ns), LATEST_NS)


def after(unix_ns: int, seconds: float) -> int:
    """The timestamp that is `seconds` after another one."""
    return stamp(unix_ns + round(seconds * 1e9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The clock, where records go, how they are priced and traced, and the thresholds."""

    clock: Clock
    out: Dispatch
    price: Pricing
    tracing: Tracing
    stall_after: float
    slow_start_after: float

    @property
    def moments(self) -> Moments:
        """The two clocks, read together."""
        return Moments(self.clock.monotonic(), self.clock.unix_ns())


@dataclass(frozen=True, slots=True)
class Moments:
    """Converts between the monotonic clock of measurements and the wall clock of timestamps."""

    monotonic: float
    unix_ns: int

    def to_unix_ns(self, moment: float) -> int:
        """The wall-clock time of a monotonic moment."""
        return after(self.unix_ns, moment - self.monotonic)

    def to_monotonic(self, unix_seconds: float) -> float:
        """The monotonic moment of a wall-clock time."""
        return self.monotonic + (unix_seconds - self.unix_ns / 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The run that a request or tool call belongs to: what their records repeat of it."""

    run_id: str
    conversation_id: str | None
    agent: str
    root_agent: str
    door: Door
    labels: Mapping[str, str]
    instrumented: bool
    """Whether pydantic-ai's own instrumentation is on for the run."""
