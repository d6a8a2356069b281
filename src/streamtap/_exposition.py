"""What streamtap registered on a Prometheus registry: found again by the next tap that measures into it."""

from __future__ import annotations

import os
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._instruments import Instruments
from streamtap._prometheus_live import LiveGauges

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry


@dataclass(frozen=True, slots=True)
class Shape:
    """What two taps on one registry must agree on.

    Args:
        user_labels: Names of the user's own labels.
        buckets: The user's own bucket bounds, as sorted pairs of metric name and bounds.
        exclude: Names of metrics to leave out.
    """

    user_labels: tuple[str, ...]
    buckets: tuple[tuple[str, tuple[float, ...]], ...]
    exclude: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exposition:
    """The counters, histograms and gauges on one registry, and which sink counts which open run."""

    shape: Shape
    instruments: Instruments
    gauges: LiveGauges
    run_owners: dict[str, object] = field(default_factory=dict[str, object])


_SHARED: weakref.WeakKeyDictionary[CollectorRegistry, Exposition] = weakref.WeakKeyDictionary()
"""By registry: it refuses the same name twice, so that two taps on it must find each other."""

_LOCK = threading.Lock()


def exposition_on(
    registry: CollectorRegistry,
    shape: Shape,
    *,
    max_label_values: int,
    max_label_sets: int,
    service_version: str,
) -> Exposition:
    """What is registered on the registry, registered now if it was not.

    Args:
        registry: The registry.
        shape: Labels, buckets and exclusions.
        max_label_values: Distinct values per label.
        max_label_sets: Label sets per metric.
        service_version: The version of the user's service.

    Raises:
        ValueError: If the registry holds foreign collectors of our names, or ours in another shape.
    """
    with _LOCK:
        found = _SHARED.get(registry)
        if found is None:
            found = _SHARED[registry] = _register(registry, shape, max_label_values, max_label_sets, service_version)
    if found.shape != shape:
        raise ValueError(
            'another tap already measures into this Prometheus registry with other labels, buckets or exclusions '
            f'(its labels are {found.shape.user_labels!r}); give both the same, or each its own CollectorRegistry()'
        )
    return found


def _register(
    registry: CollectorRegistry, shape: Shape, max_label_values: int, max_label_sets: int, service_version: str
) -> Exposition:
    instruments = Instruments(
        registry,
        user_labels=shape.user_labels,
        buckets=dict(shape.buckets),
        exclude=shape.exclude,
        max_label_values=max_label_values,
        max_label_sets=max_label_sets,
    )
    gauges = LiveGauges(
        user_labels=shape.user_labels,
        cap=instruments.cap,
        max_label_sets=max_label_sets,
        exclude=shape.exclude,
        service_version=service_version,
    )
    if os.environ.get('PROMETHEUS_MULTIPROC_DIR'):
        gauges.write_every_second()
    else:
        registry.register(gauges)
    return Exposition(shape, instruments, gauges)
