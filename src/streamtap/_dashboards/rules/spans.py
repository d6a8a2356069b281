"""Windows of hours and days, put together from recorded hours: nothing reads more than an hour of the samples themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.promql.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3600


def within_the_hour(windows: Iterable[str]) -> list[str]:
    """Those windows that are read from the samples."""
    return [window for window in windows if seconds(window) <= HOUR]


def longer(windows: Iterable[str]) -> list[str]:
    """Those that are put together from recorded hours."""
    return [window for window in windows if seconds(window) > HOUR]


def summed(hourly: str, window: str) -> str:
    """The sum over a window of hours, to the last full one.

    Args:
        hourly: The name of what is recorded of an hour.
        window: The window.

    Raises:
        ValueError: If it is not of whole hours.
    """
    return f'sum_over_time({hourly}[{hours(window)}h:1h])'


def largest_hour(hourly: str, window: str) -> str:
    """The most that any hour within a window had: 0 if there was none of it in all of the window, up to now.

    Args:
        hourly: The name of what is recorded of an hour.
        window: The window, longer than an hour.

    Raises:
        ValueError: If it is not of whole hours.
    """
    return f'max_over_time({hourly}[{hours(window) - 1}h])'


def hours(window: str) -> int:
    """How many hours a window has.

    Args:
        window: The window.

    Raises:
        ValueError: If it is not of whole hours.
    """
    count, rest = divmod(seconds(window), HOUR)
    if rest:
        raise ValueError(f'{window}: windows longer than an hour must be whole hours or days')
    return count
