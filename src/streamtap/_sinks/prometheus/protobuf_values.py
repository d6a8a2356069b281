"""The values that several kinds of metric have in Prometheus' protobuf exposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.prometheus.protobuf_wire import double, message, text, whole

if TYPE_CHECKING:
    from prometheus_client.samples import Exemplar


def time(seconds: float) -> bytes:
    """A `google.protobuf.Timestamp`."""
    before = int(seconds)
    return whole(1, before) + whole(2, min(round((seconds - before) * 1e9), 999_999_999))


def exemplar(one: Exemplar) -> bytes:
    """An `Exemplar`."""
    labels = b''.join([message(1, text(1, name) + text(2, value)) for name, value in one.labels.items()])
    at = b'' if one.timestamp is None else message(3, time(float(one.timestamp)))
    return labels + double(2, one.value) + at


def bucket(bound: float, below: float, shown: Exemplar | None) -> bytes:
    """A classic bucket, as a field of its histogram.

    Args:
        bound: Its upper bound.
        below: How many values are at most that.
        shown: Its exemplar.
    """
    body = count(1, 4, below) + double(2, bound)
    return message(3, body if shown is None else body + message(3, exemplar(shown)))


def count(field: int, float_field: int, number: float) -> bytes:
    """A count, in a field of its own if it is no whole number."""
    return whole(field, int(number)) if number >= 0 and number == int(number) else double(float_field, number)
