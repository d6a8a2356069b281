"""A native histogram, with its classic buckets if it has any, in Prometheus' protobuf exposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.prometheus.histogram import MAX_EXEMPLARS
from streamtap._sinks.prometheus.native_buckets import ZERO_THRESHOLD
from streamtap._sinks.prometheus.protobuf_values import bucket, exemplar, time
from streamtap._sinks.prometheus.protobuf_wire import double, message, signed, varint, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._sinks.prometheus.histogram import HistogramReading

_MAX_GAP = 2
"""How many empty buckets are cheaper to write than the beginning of another span."""

_THRESHOLD = double(6, ZERO_THRESHOLD)


class NativeHistograms:
    """Writes the histograms of one metric.

    Args:
        bounds: The upper bounds of their classic buckets, without infinity.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._as_bytes = [double(2, bound) for bound in bounds]
        # A bucket without an exemplar whose count is a single byte, which is most of them: its beginning.
        self._short = bytes([3 << 3 | 2, 2 + 9, 1 << 3])

    def __call__(self, read: HistogramReading) -> bytes:
        """The body of a `Histogram`."""
        fields = [whole(1, read.count), double(2, read.total)]
        if self._bounds:
            self._classic(read, fields)
        fields += [signed(5, read.schema), _THRESHOLD, whole(7, read.zero)]
        fields += [*_spans(9, 10, read.negative), *_spans(12, 13, read.positive)]
        if not (read.zero or read.negative or read.positive):
            # An empty span says that this is a native histogram, though it holds nothing yet.
            fields.append(message(12, signed(1, 0) + whole(2, 0)))
        fields.append(message(15, time(read.created)))
        newest = list(read.exemplars.values())[-MAX_EXEMPLARS:]
        # Servers of before 2024 look for exemplars in the classic buckets only; later ones, there, find those of a
        # family's first label set only.
        if newest and not self._bounds:
            fields.append(bucket(float('inf'), read.count, newest[-1]))
        fields += [message(16, exemplar(each)) for each in newest]
        return b''.join(fields)

    def _classic(self, read: HistogramReading, fields: list[bytes]) -> None:
        below = 0
        for place, (bound, inside) in enumerate(zip(self._as_bytes, read.classic, strict=False)):
            below += inside
            if place in read.exemplars:
                fields.append(bucket(self._bounds[place], below, read.exemplars[place]))
            elif below < 128:
                fields.append(self._short + varint(below) + bound)
            else:
                fields.append(message(3, whole(1, below) + bound))
        # The server knows the last bucket from the count.
        last = len(self._bounds)
        if last in read.exemplars:
            fields.append(bucket(float('inf'), read.count, read.exemplars[last]))


def _spans(span_field: int, delta_field: int, buckets: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Runs of buckets, each by its distance to the one before and its length; then each count, as a difference."""
    if not buckets:
        return
    deltas: list[int] = []
    before = length = 0
    offset = upto = buckets[0][0]
    for number, inside in buckets:
        gap = number - upto
        if gap > _MAX_GAP:
            yield message(span_field, signed(1, offset) + whole(2, length))
            offset, length = gap, 0
        elif gap:
            deltas += [-before, *[0] * (gap - 1)]
            before, length = 0, length + gap
        deltas.append(inside - before)
        before, length, upto = inside, length + 1, number + 1
    yield message(span_field, signed(1, offset) + whole(2, length))
    for delta in deltas:
        yield signed(delta_field, delta)
