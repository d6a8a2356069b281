"""Protocol Buffers' wire format: what the fields of a message are as bytes.

That is all that an exposition takes; the protobuf library would be one more dependency of every user, in a version that
others in the process also have a say in, and is slower at making so many small messages.
"""

from __future__ import annotations

from struct import Struct

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
_AS_DOUBLE = Struct('<d').pack
_SHORT = tuple(bytes([number]) for number in range(128))


def varint(number: int) -> bytes:
    """A whole number of at least 0."""
    if number < 128:
        return _SHORT[number]
    found: list[int] = []
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


_KEYS = tuple(varint(key) for key in range(32 << 3))
"""What precedes the value of a field: its number, which is below 32 in an exposition, and how the value is written."""


def whole(field: int, number: int) -> bytes:
    """A field of one of the types int64, uint64, uint32 or enum."""
    return _KEYS[field << 3 | _VARINT] + varint(number & (1 << 64) - 1)


def signed(field: int, number: int) -> bytes:
    """A field of one of the types sint32 or sint64."""
    return _KEYS[field << 3 | _VARINT] + varint(number << 1 if number >= 0 else -number * 2 - 1)


def double(field: int, number: float) -> bytes:
    """A field of the type double."""
    return _KEYS[field << 3 | _DOUBLE] + _AS_DOUBLE(number)


def message(field: int, body: bytes) -> bytes:
    """A field that holds a message."""
    return _KEYS[field << 3 | _BYTES] + varint(len(body)) + body


def text(field: int, value: str) -> bytes:
    """A field of the type string."""
    return message(field, value.encode('utf-8', 'replace'))


def delimited(body: bytes) -> bytes:
    """A message in a stream of messages, each preceded by its length."""
    return varint(len(body)) + body
