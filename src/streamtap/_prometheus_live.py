"""The gauges of what is open on a Prometheus registry: computed at the scrape, or written every second.

In prometheus_client's multiprocess mode a collector's values never leave the process, so that they must be written.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily

from streamtap._catalogue import BY_NAME
from streamtap._forks import tell_forks
from streamtap._open_gauges import OpenGauges

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._labels import LabelCap
    from streamtap._open_gauges import Rows
    from streamtap._records import RunStart

WRITE_EVERY = 1.0


class OpenGaugesCollector:
    """Gives the gauges to a scrape.

    Args:
        gauges: What is open.
    """

    def __init__(self, gauges: OpenGauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families, for a scrape."""
        return list(self._families(self._gauges.rows()))

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The families without values, for the registry to know their names."""
        return list(self._families({name: {} for name in self._gauges.names}))

    def _families(self, rows: Rows) -> Iterable[GaugeMetricFamily]:
        for name, values in rows.items():
            family = GaugeMetricFamily(name, BY_NAME[name].help, labels=self._gauges.label_names(name))
            for key, value in values.items():
                family.add_metric(key, value)
            yield family


class WrittenGauges(OpenGauges):
    """The gauges as real ones, written each second by a daemon thread from the first run on, as long as they are there.

    A process that runs no agent, such as the parent of forked workers, has no such thread.

    Args:
        user_labels: Names of the user's own labels.
        cap: Caps the values of labels, together with the counters and histograms.
        max_label_sets: Label sets per gauge.
        exclude: Names of gauges to leave out.
        service_version: The version of the user's service.
    """

    def __init__(
        self,
        *,
        user_labels: tuple[str, ...],
        cap: LabelCap,
        max_label_sets: int,
        exclude: frozenset[str] = frozenset(),
        service_version: str | None,
    ) -> None:
        super().__init__(
            user_labels=user_labels,
            cap=cap,
            max_label_sets=max_label_sets,
            exclude=exclude,
            service_version=service_version,
        )
        self._written = {
            name: Gauge(
                name,
                BY_NAME[name].help,
                self.label_names(name),
                registry=None,
                multiprocess_mode=BY_NAME[name].merged or 'livesum',
            )
            for name in self.names
        }
        self.forked()
        tell_forks(self)
        self.write()
        atexit.register(_write_last, weakref.ref(self))

    def forked(self) -> None:
        """The thread is the parent's; the first run here starts another."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run_seen(self, start: RunStart) -> None:
        """An agent ran: its gauges are written from now on."""
        super().run_seen(start)
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                target = weakref.ref(self)
                self._thread = threading.Thread(
                    target=_write_every_second, args=(target,), name='streamtap-gauges', daemon=True
                )
                self._thread.start()

    @property
    def is_writing(self) -> bool:
        """Whether this process writes them."""
        return self._thread is not None

    def write(self) -> None:
        """Write what is open now."""
        rows = self.rows()
        with _WRITING:
            for name, values in rows.items():
                for key, value in values.items():
                    self._written[name].labels(*key).set(value)


def _write_every_second(gauges_ref: weakref.ref[WrittenGauges]) -> None:
    while (gauges := gauges_ref()) is not None:
        gauges.write()
        del gauges
        time.sleep(WRITE_EVERY)


def _write_last(gauges_ref: weakref.ref[WrittenGauges]) -> None:
    """At the process's exit: what was written last is seen until somebody calls `mark_process_dead`."""
    gauges = gauges_ref()
    if gauges is not None and gauges.is_writing:
        gauges.write()


_WRITING = threading.RLock()
"""Held by a fork: prometheus_client has one lock for all values, and a child must not find it held by the thread here."""

if hasattr(os, 'register_at_fork'):  # not on Windows, where nothing forks
    os.register_at_fork(before=_WRITING.acquire, after_in_parent=_WRITING.release, after_in_child=_WRITING.release)
