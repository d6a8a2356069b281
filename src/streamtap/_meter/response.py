"""The hot path: turns the clock readings of one response into figures. No I/O, no locks, constant memory."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from streamtap._meter.parts import LongestWait, NativeCall, Part
from streamtap._records.bounds import MAX_PARTS, MAX_STALL_STARTS
from streamtap._records.distribution import BOUNDS, empty_counts

if TYPE_CHECKING:
    from array import array

    from streamtap._meter.parts import Role

CLEARLY_LONGER = 1.25
"""How many times as long as those before it a wait is that is kept: between a millisecond and an hour there are few."""

SLOW_CONSUMER_SHARE = 0.1
"""A consumer that held the stream for more of a window than this hides the model's own pace."""

SHORTEST_HOLD = 0.001
"""Seconds; a shorter time between an event and the next request for one is pydantic-ai's own work, and nobody's hold."""

SHORTEST_WAIT = 0.001
"""Seconds; chunks that come closer together had waited, in a buffer or for a client that stood still."""


class ResponseMeter:
    """Measures one streamed response.

    The door calls `part_started`, `chunk` and `other` as events arrive, with the times before and after its wait for
    each event, and `stop` when no more events will come.

    Args:
        started: When the request started, or `None` if that is not known (yet).
        stall_after: Seconds above which a silence after the first chunk is a stall.
    """

    __slots__ = (
        '_base',
        '_carry',
        '_counts',
        '_current',
        '_index',
        '_last_other',
        '_native_open',
        '_notable',
        '_open_native',
        '_stall_after',
        'chunks',
        'consumer_at_first',
        'consumer_at_last',
        'consumer_at_output',
        'consumer_seconds',
        'dropped_parts',
        'final_result',
        'first_chunk',
        'first_event',
        'first_output',
        'first_output_size',
        'first_size',
        'first_visible',
        'held',
        'held_at_end',
        'last_chunk',
        'longest_silence',
        'longest_waits',
        'max_inter_chunk_latency',
        'native_at_last',
        'native_calls',
        'native_seconds',
        'parts',
        'resumed_at',
        'stall_moments',
        'stall_seconds',
        'stalls',
        'started',
        'stopped',
    )

    def __init__(self, started: float | None, *, stall_after: float) -> None:
        self.started = started
        self.first_event: float | None = None
        self._last_other: float | None = None
        self._notable = 0.0
        self.first_chunk: float | None = None
        self.first_output: float | None = None
        self.first_size = 0
        self.first_output_size = 0
        self.first_visible: float | None = None
        self.final_result: float | None = None
        self.last_chunk = 0.0
        self.chunks = 0
        self.longest_waits: list[LongestWait] = []
        """Each that was longer than all before it, by `CLEARLY_LONGER` at least."""
        self.max_inter_chunk_latency = 0.0
        self.longest_silence = 0.0
        self.stalls = 0
        self.stall_seconds = 0.0
        self.stall_moments: list[float] = []
        self.consumer_seconds = 0.0
        self.consumer_at_first = 0.0
        self.consumer_at_output = 0.0
        self.consumer_at_last = 0.0
        self.held_at_end = 0.0
        self.native_seconds = 0.0
        self.native_at_last = 0.0
        self.native_calls: list[NativeCall] = []
        self.parts: list[Part] = []
        self.dropped_parts = 0
        self.held = False
        self.resumed_at = 0.0
        self.stopped: float | None = None
        self._stall_after = stall_after
        self._counts = empty_counts()
        self._carry = 0.0
        self._index: int | None = None
        self._current: Part | None = None
        self._base = 0
        self._open_native: dict[str, NativeCall] = {}
        self._native_open = False

    @property
    def inter_chunk_latencies(self) -> array[int]:
        """The inter-chunk gaps, counted in the fine buckets of `_distribution`."""
        return self._counts

    @property
    def waiting_since(self) -> float | None:
        """When the current wait for the model began.

        `None` while the consumer holds an event or a native tool runs, and after the stream has stopped.
        """
        if self.held or self._native_open or self.stopped is not None:
            return None
        return self._pulled_at(self.started if self.started is not None else self.resumed_at or None)

    def silent_for(self, now: float) -> float | None:
        """Seconds of the present wait; before the first chunk all waits since the request started count as one."""
        since = self.waiting_since
        if since is None:
            return None
        if self.chunks or self.started is None:
            return now - since
        held_now = since - self.last_event if self.last_event is not None else 0.0
        return now - self.started - self.consumer_seconds - held_now

    @property
    def ended_at_final_result(self) -> bool:
        """Whether the last event so far was `final_result`: `run_stream()` gives its handler no events after it."""
        return self.final_result is not None and self.final_result == self.last_event

    @property
    def last_event(self) -> float | None:
        """When the last event arrived, with or without content."""
        if self.first_chunk is None or (self._last_other is not None and self._last_other > self.last_chunk):
            return self._last_other
        return self.last_chunk

    @property
    def is_held_back(self) -> bool:
        """Whether the consumer, not the model, set the pace of the stream."""
        if self.first_chunk is None:
            return False
        held = self.consumer_at_last - self.consumer_at_first
        return held > SLOW_CONSUMER_SHARE * (self.last_chunk - self.first_chunk)

    @property
    def inter_chunk_latency_sum(self) -> float:
        """The sum of the waits for the model before each chunk after the first.

        That is the window from the first chunk to the last, without the time of the consumer and of native tools.
        """
        if self.first_chunk is None:
            return 0.0
        held = self.consumer_at_last - self.consumer_at_first
        return max(0.0, self.last_chunk - self.first_chunk - held - self.native_at_last)

    def chunk(self, index: int, waited_from: float, now: float) -> None:
        """An event with content arrived: the only method on the path of every delta."""
        if index != self._index or waited_from != self.last_chunk:
            self._turn_to(index, waited_from, now)
        else:
            gap = now - waited_from
            self._counts[bisect_left(BOUNDS, gap)] += 1
            if gap > self._notable:
                self._note(gap, now)
        self.chunks += 1
        self.last_chunk = now

    def other(self, waited_from: float, now: float) -> None:
        """An event without content arrived; the wait for it counts towards the wait for the next chunk."""
        if self.first_event is None:
            self.first_event = now
        if self._native_open:
            self.native_seconds += now - waited_from
        else:
            self._carry += now - waited_from
        self._add_consumer_time(waited_from)
        self._last_other = now

    def part_started(
        self,
        index: int,
        kind: str,
        role: Role,
        *,
        tool: str | None = None,
        tool_call_id: str | None = None,
        now: float,
    ) -> None:
        """A part began; if it came with content, the door calls `chunk` for that afterwards."""
        self._leave_part()
        if len(self.parts) < MAX_PARTS:
            self.parts.append(Part(index, kind, role, tool, tool_call_id, now, now))
        else:
            self.dropped_parts += 1

    def arguments(self, index: int, now: float) -> None:
        """Arguments of a tool call arrived; those of an output tool are output that users see."""
        if self.first_visible is None and (part := self._part(index)) is not None and part.role == 'output_call':
            self.first_visible = now

    def native_started(self, tool: str, tool_call_id: str, now: float) -> None:
        """The provider began to run one of its own tools."""
        if len(self.native_calls) < MAX_PARTS:
            call = NativeCall(tool, tool_call_id, now)
            self.native_calls.append(call)
            self._open_native[tool_call_id] = call
            self._native_open = True
            self._leave_part()

    def native_returned(self, tool_call_id: str, now: float, *, succeeded: bool) -> None:
        """The provider's own tool returned."""
        call = self._open_native.pop(tool_call_id, None)
        if call is not None:
            call.ended = now
            call.succeeded = succeeded
        self._native_open = bool(self._open_native)

    def stop(self, now: float) -> None:
        """No more events will come; a long silence that ends here, without another chunk, is a stall as well."""
        if self.stopped is not None:
            return
        self._leave_part()
        pulled = self._pulled_at(self.started)
        waited_from = now if self.held or pulled is None else pulled
        before = self.consumer_seconds
        self._add_consumer_time(waited_from)
        self.held_at_end = self.consumer_seconds - before
        gap = now - waited_from + self._carry
        if self._native_open:
            self.native_seconds += now - waited_from
        elif self.chunks and gap > self._stall_after:
            self._stall(now, gap)
        unended = gap if self.chunks and not self._native_open else 0.0
        self.longest_silence = max(self.max_inter_chunk_latency, unended)
        self.stopped = now

    def _pulled_at(self, before_any: float | None) -> float | None:
        """When the consumer last asked for an event; `before_any` if none has arrived yet."""
        return before_any if self.last_event is None else max(self.last_event, self.resumed_at)

    def _turn_to(self, index: int, waited_from: float, now: float) -> None:
        """Count a chunk off the fast path: the first, one of another part, or after a hold or a contentless event."""
        self._add_consumer_time(waited_from)
        if self._native_open:
            self.native_seconds += now - waited_from
        elif self.chunks:
            gap = now - waited_from + self._carry
            self._counts[bisect_left(BOUNDS, gap)] += 1
            if gap > self._notable:
                self._note(gap, now)
        self._carry = 0.0
        self.native_at_last = self.native_seconds
        self.consumer_at_last = self.consumer_seconds
        if index == self._index:
            return
        self._leave_part()
        part = self._current = self._part(index)
        # While a native tool runs, and until a part has a pace, every chunk must come this way.
        self._index = None if self._native_open else index
        if part is not None and part.paced_from is None:
            if part.chunks + 1 < part.unpaced:
                self._index = None
            else:
                part.paced_from = now
        role = part.role if part is not None else 'answer'
        if self.first_chunk is None:
            self.first_chunk = now
            self.first_event = now if self.first_event is None else self.first_event
            self.consumer_at_first = self.consumer_seconds
        if self.first_output is None and role != 'thinking':
            self.first_output = now
            self.consumer_at_output = self.consumer_seconds
        if self.first_visible is None and role == 'answer':
            self.first_visible = now

    def _note(self, gap: float, now: float) -> None:
        """Record a gap that is the longest so far, or a stall."""
        if gap > self.max_inter_chunk_latency:
            self.max_inter_chunk_latency = gap
            longest = self.longest_waits[-1].seconds if self.longest_waits else SHORTEST_WAIT
            if gap >= CLEARLY_LONGER * longest:
                self.longest_waits.append(LongestWait(gap, self.chunks, now))
        if gap > self._stall_after:
            self._stall(now, gap)
        self._notable = min(self.max_inter_chunk_latency, self._stall_after)

    def _part(self, index: int) -> Part | None:
        return next((part for part in reversed(self.parts) if part.index == index), None)

    def _leave_part(self) -> None:
        part = self._current
        if part is not None and self.chunks > self._base:
            part.chunks += self.chunks - self._base
            part.last_chunk = self.last_chunk
        self._base = self.chunks
        self._current = None
        self._index = None

    def _add_consumer_time(self, waited_from: float) -> None:
        last = self.last_event
        if last is not None and waited_from - last >= SHORTEST_HOLD:
            self.consumer_seconds += waited_from - last

    def _stall(self, now: float, gap: float) -> None:
        self.stalls += 1
        self.stall_seconds += gap
        if len(self.stall_moments) < MAX_STALL_STARTS:
            self.stall_moments.append(now - gap)
