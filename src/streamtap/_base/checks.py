"""Invalid arguments are rejected where they are passed, with what to pass instead."""

from __future__ import annotations

import contextlib
import inspect


def check_positive(name: str, number: object, unit: str = 'seconds') -> None:
    """Reject anything but a positive number of a unit."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f'{name} must be a number of {unit}, not {number!r}')
    if not number > 0:
        raise ValueError(f'{name} must be above 0 {unit}, not {number!r}')


def check_at_least(name: str, number: object, least: float, unit: str) -> None:
    """Reject anything but a number of at least `least` of a unit."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f'{name} must be a number of {unit}, not {number!r}')
    if not number >= least:
        raise ValueError(f'{name} must be at least {least} {unit}, not {number!r}')


def check_whole(name: str, number: object, *, at_least: int = 1) -> None:
    """Reject anything but a whole number of at least `at_least`."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f'{name} must be a whole number, not {number!r}')
    if number < at_least:
        raise ValueError(f'{name} must be at least {at_least}, not {number!r}')


def check_text(name: str, text: object) -> None:
    """Reject anything but text or `None`; what an object says of itself is not asked."""
    if text is not None and not isinstance(text, str):
        raise TypeError(f'{name} must be text, not {type(text).__name__}')


def check_function(name: str, function: object, of: str, arguments: int) -> None:
    """Reject anything but a function that is not async and takes so many arguments, or `None`."""
    if function is None:
        return
    if not callable(function):
        raise TypeError(f'{name} must be a function of {of}, not {function!r}')
    check_not_async(name, function)
    with contextlib.suppress(ValueError):  # A function written in C may have no signature.
        try:
            inspect.signature(function).bind(*(None,) * arguments)
        except TypeError as error:
            raise TypeError(f'{name} must be a function of {of}: {error}') from None


def check_not_async(name: str, function: object) -> None:
    """Reject an async function: its result would never be awaited."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f'{name} must be a plain function: it is called and not awaited')
