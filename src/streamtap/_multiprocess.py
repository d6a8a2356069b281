"""prometheus_client's multiprocess mode: each process writes its numbers into files, and a scrape sums them."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client import REGISTRY
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import CollectorRegistry
from prometheus_client.values import MutexValue, ValueClass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

TRIES = 5
PAUSE = 0.01


def is_multiprocess() -> bool:
    """Whether prometheus_client, when it was imported, found `PROMETHEUS_MULTIPROC_DIR`."""
    return ValueClass is not MutexValue


def check_directory() -> None:
    """Refuse a directory that is not there, into which no process could write.

    Raises:
        ValueError: If `PROMETHEUS_MULTIPROC_DIR` names none.
    """
    directory = os.environ.get('PROMETHEUS_MULTIPROC_DIR', '')
    if is_multiprocess() and not Path(directory).is_dir():
        raise ValueError(
            f'PROMETHEUS_MULTIPROC_DIR is {directory!r}, which is no directory: make it, empty, before the processes start'
        )


def scraped(registry: CollectorRegistry) -> CollectorRegistry:
    """What answers a scrape: of all processes in multiprocess mode, where the default registry knows only this one.

    Args:
        registry: What was asked for; another than the default one answers for itself.
    """
    if registry is not REGISTRY or not is_multiprocess():
        return registry
    everybody = CollectorRegistry()
    everybody.register(EveryProcess())
    return everybody


class EveryProcess:
    """Gives the sums over all processes to a scrape, also while one of them starts."""

    def __init__(self) -> None:
        self._read = cast('Callable[[], Iterable[Metric]]', MultiProcessCollector(None).collect)

    def collect(self) -> Iterable[Metric]:
        """The families, for a scrape."""
        return self._collect(TRIES)

    def _collect(self, tries: int) -> Iterable[Metric]:
        try:
            return self._read()
        except struct.error:
            # The file of a process that starts is empty for a moment, and prometheus_client fails on it.
            if tries == 1:
                raise
        time.sleep(PAUSE)
        return self._collect(tries - 1)
