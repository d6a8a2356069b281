"""Lengths of time as Prometheus writes them."""

from __future__ import annotations


def seconds(window: str) -> int:
    """How long a window of Prometheus's notation is, such as `90s` or `1d`."""
    number, unit = window[:-1], window[-1]
    return int(number) * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[unit]
