"""Arithmetic of values that may not be known: what is not known is no 0."""

from __future__ import annotations

from typing import TypeVar

Number = TypeVar('Number', int, float)


def sum_known(one: float | None, other: float | None) -> float | None:
    """The sum of what is known of two values; `None` if neither is.

    Args:
        one: A value.
        other: Another.
    """
    return one if other is None else other if one is None else one + other


def since(started: float | None, moment: float | None) -> float | None:
    """The seconds between two moments; `None` if one is not known or the second came first.

    Args:
        started: The first moment.
        moment: The second.
    """
    return None if started is None or moment is None or moment < started else moment - started


def least_known(*values: Number | None) -> Number | None:
    """The least of what is known of some values; `None` if none is."""
    return min((value for value in values if value is not None), default=None)


def greatest_known(*values: Number | None) -> Number | None:
    """The greatest of what is known of some values; `None` if none is."""
    return max((value for value in values if value is not None), default=None)
