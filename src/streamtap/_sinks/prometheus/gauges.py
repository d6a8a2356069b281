"""The gauges of what is open on a Prometheus registry: computed at each scrape, or written every second.

In prometheus_client's multiprocess mode a collector's values never leave the process, so they must be written.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily

from streamtap._base.forks import tell_forks
from streamtap._sinks.metrics.catalogue import BY_NAME
from streamtap._sinks.metrics.gauges import OpenGauges
from streamtap._sinks.prometheus.multiprocess import liveness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._records.starts import RunStart
    from streamtap._sinks.metrics.gauges import Rows

WRITE_EVERY = 1.0


class OpenGaugesCollector:
    """Computes the gauges at each scrape.

    Args:
        gauges: What is open.
    """

    def __init__(self, gauges: OpenGauges) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The metric families with their current values."""
        return list(self._families(self._gauges.rows()))

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """The metric families without values, from which the registry learns their names."""
        return list(self._families({name: {} for name in self._gauges.names}))

    def _families(self, rows: Rows) -> Iterable[GaugeMetricFamily]:
        for name, values in rows.items():
            family = GaugeMetricFamily(name, BY_NAME[name].help, labels=self._gauges.label_names(name))
            for key, value in values.items():
                family.add_metric(key, value)
            yield family


class WrittenGauges(OpenGauges):
    """Real Prometheus gauges, written every second by a daemon thread.

    The thread starts with the first run and ends when this object is gone. A process that runs no agent, such as the
    parent of forked workers, has no such thread.
    """

    def begin(self) -> None:
        """Create the gauges and write them; called once."""
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
        """Forget the thread, which is the parent's; the first run in this process starts another."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run_seen(self, start: RunStart) -> None:
        """A run began: from now on the gauges are written."""
        super().run_seen(start)
        with suppress(OSError):
            # A forked worker shows it with its first run. If it cannot, its files stay as they are.
            liveness().show()
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
        """Whether this process writes the gauges."""
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
    """Write once more at exit: scrapes see the last values until it is known that the process has ended."""
    gauges = gauges_ref()
    if gauges is not None and gauges.is_writing:
        gauges.write()


_WRITING = threading.RLock()
"""Held while forking: prometheus_client has one lock for all values, which no child may inherit held by the thread."""

if hasattr(os, 'register_at_fork'):  # not on Windows, where nothing forks
    os.register_at_fork(before=_WRITING.acquire, after_in_parent=_WRITING.release, after_in_child=_WRITING.release)
