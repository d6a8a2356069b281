"""Nonsense is refused when the tap is made, with what to pass instead."""

from __future__ import annotations

import inspect

from streamtap._dispatch import MOMENTS, OPTIONAL_MOMENTS


def check_positive(name: str, seconds: object) -> None:
    """Refuse what is no positive number of seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f'{name} must be a number of seconds, not {seconds!r}')
    if not seconds > 0:
        raise ValueError(f'{name} must be above 0 seconds, not {seconds!r}')


def check_whole(name: str, number: object) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f'{name} must be a whole number, not {number!r}')
    if number < 1:
        raise ValueError(f'{name} must be at least 1, not {number!r}')


def check_sink(sink: object) -> None:
    """Refuse what is no sink."""
    if isinstance(sink, type):
        raise TypeError(f'sinks must be objects: pass {sink.__name__}() instead of the class {sink.__name__}')
    missing = [moment for moment in MOMENTS if not callable(getattr(sink, moment, None))]
    if missing:
        raise TypeError(
            f'{sink!r} is not a sink: it lacks {", ".join(missing)}; subclass streamtap.BaseSink to implement only some'
        )
    for moment in (*MOMENTS, *OPTIONAL_MOMENTS):
        check_called(f'{type(sink).__name__}.{moment}', getattr(sink, moment, None))


def check_called(name: str, function: object) -> None:
    """Refuse a function that nobody would await."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f'{name} must be a plain function: it is called and not awaited')
