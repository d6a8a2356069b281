"""What every run of a tap shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._clock import Clock
    from streamtap._dispatch import Dispatch
    from streamtap._price import Pricing
    from streamtap._records import Door
    from streamtap._tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The clock that is read, where records go, how they are priced and traced, and the thresholds."""

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
        return self.unix_ns + round((moment - self.monotonic) * 1e9)

    def to_monotonic(self, unix_seconds: float) -> float:
        """The monotonic moment of a wall-clock time."""
        return self.monotonic + (unix_seconds - self.unix_ns / 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose request or call it is: what its record repeats of the run."""

    run_id: str
    conversation_id: str | None
    agent: str
    root_agent: str
    door: Door
    labels: Mapping[str, str]
    instrumented: bool
    """Whether pydantic-ai's own instrumentation is on for the run."""
