"""The gauges of what is open on a Prometheus registry: computed at the scrape, or written every second.

In prometheus_client's multiprocess mode a collector's values never leave the process, so that they must be written.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING

from prometheus_client import Gauge
from prometheus_client.core import GaugeMetricFamily

from streamtap._catalogue import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamtap._open_gauges import OpenGauges, Rows

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


def write_every_second(gauges: OpenGauges) -> None:
    """Write real gauges from a daemon thread, as long as the gauges are there.

    Args:
        gauges: What is open.
    """
    written = {
        name: Gauge(
            name,
            BY_NAME[name].help,
            gauges.label_names(name),
            registry=None,
            multiprocess_mode=BY_NAME[name].merged or 'livesum',
        )
        for name in gauges.names
    }
    threading.Thread(
        target=_write, args=(weakref.ref(gauges), written, os.getpid()), name='streamtap-gauges', daemon=True
    ).start()


def _write(gauges_ref: weakref.ref[OpenGauges], written: Mapping[str, Gauge], pid: int) -> None:
    while (gauges := gauges_ref()) is not None and os.getpid() == pid:
        for name, values in gauges.rows().items():
            for key, value in values.items():
                written[name].labels(*key).set(value)
        del gauges
        time.sleep(WRITE_EVERY)
