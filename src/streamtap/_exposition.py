"""What streamtap made on a registry or a meter provider: found again by the next tap that measures into it."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._instruments import Instruments
    from streamtap._open_gauges import OpenGauges


@dataclass(frozen=True, slots=True)
class Shape:
    """What two taps that measure into one place must agree on.

    Args:
        user_labels: Names of the user's own labels.
        buckets: The user's own bucket bounds, as sorted pairs of metric name and bounds.
        exclude: Names of metrics to leave out.
    """

    user_labels: tuple[str, ...]
    buckets: tuple[tuple[str, tuple[float, ...]], ...] = ()
    exclude: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Exposition:
    """The counters, histograms and gauges in one place, and which sink counts which open run."""

    shape: Shape
    instruments: Instruments[Any, Any]
    gauges: OpenGauges
    run_owners: dict[str, object] = field(default_factory=dict[str, object])


_SHARED: dict[int, Exposition] = {}
"""By the id of registry or meter provider: neither takes the same name twice, so that two taps on one must find each
other. They need not be hashable, as Logfire's provider is not; what is gone is taken out.
"""

_LOCK = threading.Lock()


def exposition_on(place: object, shape: Shape, make: Callable[[], Exposition]) -> Exposition:
    """What is there in a place, made now if nothing was.

    Args:
        place: The registry or the meter provider.
        shape: Labels, buckets and exclusions.
        make: Makes it.

    Raises:
        ValueError: If another tap made it in another shape.
    """
    with _LOCK:
        found = _SHARED.get(id(place))
        if found is None:
            found = _SHARED[id(place)] = make()
            weakref.finalize(place, _SHARED.pop, id(place)).atexit = False
    if found.shape != shape:
        raise ValueError(
            f'another tap already measures into the same place with other labels, buckets or exclusions '
            f'(its labels are {found.shape.user_labels!r}); give both the same, or each its own CollectorRegistry() or MeterProvider()'
        )
    return found
