"""Samples at times of our own choosing into a real Prometheus, by its remote-write protocol.

The messages are those of `prompb/remote.proto` and `prompb/types.proto`, version 1.
They are written by hand, because millions of samples go through here.
"""

from __future__ import annotations

import struct
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

STALE = struct.unpack('<d', (0x7FF0000000000002).to_bytes(8, 'little'))[0]
"""What Prometheus writes for a series that its target has no more."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """The state of a native histogram.

    Args:
        count: How many values.
        total: Their sum.
        schema: The resolution: the bounds are powers of 2 ** (2 ** -schema).
        zero_threshold: The width of the zero bucket.
        zero_count: How many values it has.
        counts: The other buckets that have any, by number, ascending.
    """

    count: int
    total: float
    schema: int
    zero_threshold: float
    zero_count: int
    counts: Sequence[tuple[int, int]]


class RemoteWrite:
    """Writes to one server.

    Args:
        url: The server's root.
    """

    def __init__(self, url: str) -> None:
        self._url = f'{url}/api/v1/write'
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._labels: dict[tuple[tuple[str, str], ...], bytes] = {}

    def write(self, moment: float, samples: Iterable[tuple[Mapping[str, str], float | Buckets]]) -> None:
        """Write what one scrape found.

        Args:
            moment: When, in seconds since the epoch.
            samples: The labels, with `__name__`, and the value of each series.

        Raises:
            urllib.error.HTTPError: If the server refuses them.
        """
        milliseconds = round(moment * 1000)
        stamp = _varint(milliseconds)
        series = [_field(1, self._encoded(labels) + _value(value, stamp)) for labels, value in samples]
        if not series:
            return
        body = b''.join(series)
        headers = {
            'Content-Type': 'application/x-protobuf',
            'Content-Encoding': 'snappy',
            'X-Prometheus-Remote-Write-Version': '0.1.0',
        }
        with self._opener.open(urllib.request.Request(self._url, _snappy(body), headers), timeout=60) as answer:
            answer.read()

    def _encoded(self, labels: Mapping[str, str]) -> bytes:
        key = tuple(sorted(labels.items()))
        found = self._labels.get(key)
        if found is None:
            found = self._labels[key] = b''.join(
                _field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in key if value
            )
        return found


def _value(value: float | Buckets, stamp: bytes) -> bytes:
    if not isinstance(value, Buckets):
        return _field(2, b'\x09' + struct.pack('<d', value) + b'\x10' + stamp)
    spans, deltas, after, before = bytearray(), bytearray(), None, 0
    runs: list[list[int]] = []
    for number, count in value.counts:
        if after is None or number != after:
            runs.append([number - (after or 0), 0])
        runs[-1][1] += 1
        deltas += _varint(_zigzag(count - before))
        after, before = number + 1, count
    for offset, length in runs:
        spans += _field(11, b'\x08' + _varint(_zigzag(offset)) + b'\x10' + _varint(length))
    return _field(
        4,
        b'\x08' + _varint(value.count)
        + b'\x19' + struct.pack('<d', value.total)
        + b'\x20' + _varint(_zigzag(value.schema))
        + b'\x29' + struct.pack('<d', value.zero_threshold)
        + b'\x30' + _varint(value.zero_count)
        + bytes(spans)
        + (_field(12, bytes(deltas)) if deltas else b'')
        + b'\x78' + stamp,
    )  # fmt: skip


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _varint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _snappy(body: bytes) -> bytes:
    """In snappy's block format, as one literal: nothing is compressed on loopback."""
    return _varint(len(body)) + b'\xfc' + (len(body) - 1).to_bytes(4, 'little') + body
