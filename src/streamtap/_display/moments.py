"""Times as text, in UTC."""

from __future__ import annotations

from datetime import datetime, timezone


def moment(unix: float) -> datetime:
    """A time, in UTC; one outside the years 1970 to 9999 is clamped to them.

    Args:
        unix: Seconds since the epoch.
    """
    return datetime.fromtimestamp(min(max(unix, 0.0), 253402300799.0), timezone.utc)


def in_words(unix_ns: int) -> str:
    """A time for people.

    Args:
        unix_ns: Nanoseconds since the epoch.
    """
    return f'{moment(unix_ns / 1e9):%Y-%m-%d %H:%M:%S} UTC'


def iso(unix_ns: int) -> str:
    """A time for programs, as ISO 8601 has it.

    Args:
        unix_ns: Nanoseconds since the epoch.
    """
    return f'{moment(unix_ns / 1e9):%Y-%m-%dT%H:%M:%SZ}'
