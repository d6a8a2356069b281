"""Invalid arguments are rejected when the tap is created, with what to pass instead."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from streamtap._delivery.dispatch import MOMENTS, OPTIONAL_MOMENTS
from streamtap._delivery.sink import BaseSink
from streamtap._sinks.metrics.catalogue import check_label_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._delivery.sink import Sink


def check_positive(name: str, seconds: object) -> None:
    """Reject anything but a positive number of seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f'{name} must be a number of seconds, not {seconds!r}')
    if not seconds > 0:
        raise ValueError(f'{name} must be above 0 seconds, not {seconds!r}')


def check_whole(name: str, number: object, *, at_least: int = 1) -> None:
    """Reject anything but a whole number of at least `at_least`."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f'{name} must be a whole number, not {number!r}')
    if number < at_least:
        raise ValueError(f'{name} must be at least {at_least}, not {number!r}')


def check_function(name: str, function: object, of: str) -> None:
    """Reject anything but a function that is not async, or `None`."""
    if function is not None and not callable(function):
        raise TypeError(f'{name} must be a function of {of}, not {function!r}')
    check_not_async(name, function)


def checked_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The names of the user's own labels, validated."""
    if isinstance(labels, str):
        raise TypeError(f'labels must be a collection of names, for instance labels=({labels!r},)')
    names = tuple(labels)
    check_label_names(names)
    return names


def checked_sinks(sinks: Iterable[Sink]) -> tuple[Sink, ...]:
    """The sinks, validated."""
    if isinstance(sinks, BaseSink):
        raise TypeError(f'sinks must be a list: pass [{type(sinks).__name__}(...)] instead of a single sink')
    chosen = tuple(sinks)
    for sink in chosen:
        check_sink(sink)
    twice = next((sink for place, sink in enumerate(chosen) if any(sink is other for other in chosen[:place])), None)
    if twice is not None:
        raise ValueError(f'sinks has the same {type(twice).__name__} twice: it would count everything twice')
    return chosen


def check_sink(sink: object) -> None:
    """Reject anything but a sink."""
    if isinstance(sink, type):
        raise TypeError(f'sinks must be instances: pass {sink.__name__}() instead of the class {sink.__name__}')
    missing = [moment for moment in MOMENTS if not callable(getattr(sink, moment, None))]
    if missing:
        raise TypeError(
            f'{sink!r} is not a sink: it lacks {", ".join(missing)}; subclass streamtap.BaseSink to implement only some'
        )
    for moment in (*MOMENTS, *OPTIONAL_MOMENTS):
        check_not_async(f'{type(sink).__name__}.{moment}', getattr(sink, moment, None))


def check_not_async(name: str, function: object) -> None:
    """Reject an async function: its result would never be awaited."""
    if inspect.iscoroutinefunction(function):
        raise TypeError(f'{name} must be a plain function: it is called and not awaited')
