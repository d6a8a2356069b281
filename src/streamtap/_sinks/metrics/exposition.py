"""The metrics that streamtap created on a registry or meter provider, shared by the taps that write to it."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._sinks.metrics.gauges import OpenGauges
    from streamtap._sinks.metrics.instruments import Instruments


@dataclass(frozen=True, slots=True)
class Shape:
    """What taps that write to the same registry or provider must agree on.

    Args:
        user_labels: Names of the user's own labels.
        buckets: The user's own bucket bounds, as sorted pairs of metric name and bounds.
        exclude: Names of metrics to leave out.
        histograms: Which buckets histograms have, where that can be chosen.
    """

    user_labels: tuple[str, ...]
    buckets: tuple[tuple[str, tuple[float, ...]], ...] = ()
    exclude: frozenset[str] = frozenset()
    histograms: str = ''


@dataclass(frozen=True, slots=True)
class Exposition:
    """The counters, histograms and gauges of one registry or provider, and which sink counts which open run."""

    shape: Shape
    instruments: Instruments[Any, Any]
    gauges: OpenGauges
    run_owners: dict[str, object] = field(default_factory=dict[str, object])


_SHARED: dict[int, Exposition] = {}
"""By the id of the registry or meter provider: neither accepts the same name twice, so its taps must share. By id as
they need not be hashable (Logfire's provider is not); an entry is removed when its registry or provider is collected.
"""

_LOCK = threading.Lock()


def exposition_on(place: object, shape: Shape, make: Callable[[], Exposition]) -> Exposition:
    """The exposition on a registry or meter provider, created if there is none.

    Args:
        place: The registry or the meter provider.
        shape: Labels, buckets and exclusions.
        make: Creates it.

    Raises:
        ValueError: If another tap created it with another shape.
    """
    with _LOCK:
        found = _SHARED.get(id(place))
        if found is None:
            found = _SHARED[id(place)] = make()
            weakref.finalize(place, _SHARED.pop, id(place)).atexit = False
    if found.shape != shape:
        raise ValueError(
            f'another tap already writes to the same registry or provider with other labels, buckets, histograms or exclusions '
            f'(its labels are {found.shape.user_labels!r}); give both the same, or each its own CollectorRegistry() '
            f'or MeterProvider()'
        )
    return found
