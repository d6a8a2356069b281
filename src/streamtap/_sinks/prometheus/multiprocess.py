"""prometheus_client's multiprocess mode: each process writes its values to files, and a scrape merges them."""

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
    """Whether `PROMETHEUS_MULTIPROC_DIR` was set when prometheus_client was imported."""
    return ValueClass is not MutexValue


def check_directory() -> None:
    """Check that the directory of the multiprocess mode exists: without it no process could write its values.

    Raises:
        ValueError: If `PROMETHEUS_MULTIPROC_DIR` is not a directory.
    """
    directory = os.environ.get('PROMETHEUS_MULTIPROC_DIR', '')
    if is_multiprocess() and not Path(directory).is_dir():
        raise ValueError(
            f'PROMETHEUS_MULTIPROC_DIR is {directory!r}, which is not a directory: create it, empty, before the '
            'processes start'
        )


def scraped(registry: CollectorRegistry) -> CollectorRegistry:
    """The registry that answers a scrape: in multiprocess mode, one that merges the values of all processes.

    Args:
        registry: The registry to serve; only the default one is replaced, as it only knows this process.
    """
    if registry is not REGISTRY or not is_multiprocess():
        return registry
    merged = CollectorRegistry()
    merged.register(EveryProcess())
    return merged


class EveryProcess:
    """Collects the merged values of all processes, also while one of them is starting."""

    def __init__(self) -> None:
        self._read = cast('Callable[[], Iterable[Metric]]', MultiProcessCollector(None).collect)

    def collect(self) -> Iterable[Metric]:
        """The metric families of all processes."""
        return self._collect(TRIES)

    def _collect(self, tries: int) -> Iterable[Metric]:
        try:
            return self._read()
        except struct.error:
            # The file of a process that is just starting is empty for a moment, and prometheus_client fails on it.
            if tries == 1:
                raise
        time.sleep(PAUSE)
        return self._collect(tries - 1)
