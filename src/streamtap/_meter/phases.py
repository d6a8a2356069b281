"""Where a run's time went: an exclusive split of its duration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._meter.response import SHORTEST_HOLD
from streamtap._records.records import PHASES

if TYPE_CHECKING:
    from streamtap._meter.response import ResponseMeter

# Where two phases claim the same time, the excess is taken from the one that comes first here: lowest priority first.
_GIVE_WAY = ('stream', 'model', 'wait', 'consumer', 'native_tools', 'tools')


@dataclass(slots=True)
class PhaseClock:
    """Adds up the phases of one run as its requests and tool calls end."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    _tools: Intervals = field(default_factory=lambda: Intervals())
    _held: Intervals = field(default_factory=lambda: Intervals())

    def add(self, phase: str, seconds: float) -> None:
        """Count seconds for a phase."""
        if seconds > 0:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def streamed(self, meter: ResponseMeter, started: float | None, *, broke: bool) -> None:
        """Count a streamed response that ended; if it broke, the silence before the break counts as well."""
        end = meter.stopped if meter.stopped is not None else meter.last_event
        self.add('consumer', meter.consumer_seconds)
        self.add('native_tools', meter.native_seconds)
        if meter.first_chunk is None:
            if started is not None and end is not None:
                self.add('wait', end - started - meter.consumer_seconds)
            return
        if started is not None:
            self.add('wait', meter.first_chunk - started - meter.consumer_at_first)
        self.add(
            'stream',
            meter.last_chunk
            - meter.first_chunk
            - meter.native_at_last
            - (meter.consumer_at_last - meter.consumer_at_first),
        )
        if broke and end is not None:
            after_last = meter.consumer_seconds - meter.consumer_at_last + meter.native_seconds - meter.native_at_last
            self.add('stream', end - meter.last_chunk - after_last)

    def tool(self, started: float, ended: float) -> None:
        """Count the interval of a tool call; overlapping calls count once."""
        self._tools.add(started, ended)

    def hold(self, started: float, ended: float) -> None:
        """Count an interval in which the consumer held an event of a tool round, except while tools were running."""
        if ended - started >= SHORTEST_HOLD:
            self._held.add(started, ended)

    def split(self, duration: float) -> dict[str, float]:
        """The phases of a run, in seconds; they add up to the duration."""
        found = dict(self.seconds)
        found['tools'] = self._tools.length()
        found['consumer'] = found.get('consumer', 0.0) + self._held.length(excluding=self._tools)
        excess = sum(found.values()) - duration
        for phase in _GIVE_WAY:
            if excess <= 0:
                break
            taken = min(excess, found.get(phase, 0.0))
            found[phase] = found.get(phase, 0.0) - taken
            excess -= taken
        found['other'] = max(0.0, duration - sum(found.values()))
        return {phase: found[phase] for phase in PHASES if found.get(phase, 0.0) > 0}


class Intervals:
    """The union of intervals that are added in any order; they are merged from time to time, so that it stays small."""

    def __init__(self) -> None:
        self._kept: list[tuple[float, float]] = []
        self._merge_above = 64

    def add(self, started: float, ended: float) -> None:
        """Add an interval."""
        self._kept.append((started, ended))
        if len(self._kept) > self._merge_above:
            self._kept = merged(self._kept)
            self._merge_above = 2 * len(self._kept) + 64

    def length(self, excluding: Intervals | None = None) -> float:
        """The length of the union in seconds, excluding what another union covers, if one is given."""
        if excluding is None:
            return sum(end - start for start, end in merged(self._kept))
        both = merged([*self._kept, *excluding._kept])  # noqa: SLF001 - the same class
        return sum(end - start for start, end in both) - excluding.length()


def merged(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of some intervals, as sorted disjoint intervals."""
    union: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((start, end))
    return union
