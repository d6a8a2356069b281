"""prometheus_client's multiprocess mode: each process writes its values to files, and a scrape merges them."""

from __future__ import annotations

import logging
import os
import stat
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import CollectorRegistry
from prometheus_client.values import MutexValue, ValueClass

from streamtap._base.files import check_private_folder
from streamtap._sinks.prometheus.ended_workers import Liveness, add_up_ended, while_nothing_is_added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prometheus_client import Metric

logger = logging.getLogger('streamtap')

TRIES = 5
PAUSE = 0.01

MOST_TOLD = 5
"""How many broken files a line of the log names."""


def is_multiprocess() -> bool:
    """Whether `PROMETHEUS_MULTIPROC_DIR` was set when prometheus_client was imported."""
    return ValueClass is not MutexValue


def check_directory() -> None:
    """Check the directory of the multiprocess mode: if there is one, and nobody else can put files into it.

    Without it no process could write its values; who can write it can make up numbers, and have the processes write to
    files elsewhere through links.

    Raises:
        ValueError: If `PROMETHEUS_MULTIPROC_DIR` is not a directory, or others can write it.
    """
    if not is_multiprocess():
        return
    directory = os.environ.get('PROMETHEUS_MULTIPROC_DIR', '')
    if not Path(directory).is_dir():
        raise ValueError(
            f'PROMETHEUS_MULTIPROC_DIR is {directory!r}, which is not a directory: create it, empty, before the '
            'processes start'
        )
    try:
        check_private_folder(Path(directory))
    except PermissionError as error:
        raise ValueError(
            f'PROMETHEUS_MULTIPROC_DIR is {directory!r}, which {error.strerror}; or create a folder in it, with '
            'mkdir -m 700'
        ) from None


@cache
def liveness() -> Liveness:
    """What shows the other processes of the multiprocess mode that this one lives."""
    return Liveness(Path(os.environ['PROMETHEUS_MULTIPROC_DIR']))


def scraped(registry: CollectorRegistry) -> CollectorRegistry:
    """The registry that answers a scrape: in multiprocess mode, one that merges the values of all processes.

    Args:
        registry: The registry to serve; only the default one is replaced, as it only knows this process.

    Raises:
        ValueError: If it merges, and `check_directory` refuses the directory.
    """
    if registry is not REGISTRY or not is_multiprocess():
        return registry
    check_directory()
    merged = CollectorRegistry()
    merged.register(EveryProcess(Path(os.environ['PROMETHEUS_MULTIPROC_DIR'])))
    return merged


class EveryProcess:
    """Collects the merged values of all processes, also while one of them is starting, and if a file is broken.

    A broken file is left out, named once in the log, and counted in the gauge `streamtap_multiprocess_broken_files`,
    which is there as long as such a file is.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broken: frozenset[Path] = frozenset()

    def collect(self) -> Iterable[Metric]:
        """The metric families of all processes."""
        with suppress(Exception):
            # Their files stay if this cannot be written, or what was added up before is broken, and are read one by one.
            add_up_ended(self._folder)
        with while_nothing_is_added(self._folder):
            return self._read()

    def _read(self) -> Iterable[Metric]:
        files = sorted(self._folder.glob('*.db'))
        # Opening a pipe would wait for its other end.
        whole = [file for file in files if _is_regular(file)]
        try:
            families = _merged(whole)
        except Exception:
            whole = self._whole(files)
            families = _merged(whole)
        # The file of a process that has ended may be gone by now, and is not broken.
        broken = frozenset(file for file in set(files) - set(whole) if os.path.lexists(file))
        self._tell(broken)
        return [*families, *([_count(len(broken))] if broken else [])]

    def _whole(self, files: Sequence[Path]) -> list[Path]:
        """Those that can be read; the file of a process that is just starting is empty for a moment."""
        found: list[Path] = []
        for tries in range(TRIES, 0, -1):
            found = [file for file in files if _is_whole(file)]
            if tries == 1 or self._broken.issuperset(set(files) - set(found)):
                break
            time.sleep(PAUSE)
        return found

    def _tell(self, broken: frozenset[Path]) -> None:
        new, self._broken = sorted(broken - self._broken), broken
        if new:
            shown = ', '.join(map(str, new[:MOST_TOLD]))
            logger.warning(
                'streamtap: %d files of PROMETHEUS_MULTIPROC_DIR are broken, and their values are left out: %s',
                len(new),
                shown,
            )


def _merged(files: Sequence[Path]) -> Iterable[Metric]:
    merge = cast('Callable[[Sequence[str]], Iterable[Metric]]', MultiProcessCollector.merge)  # pyright: ignore[reportUnknownMemberType]
    return list(merge([str(file) for file in files]))


def _is_whole(file: Path) -> bool:
    try:
        if not _is_regular(file):
            return False
        _merged([file])
    except Exception:
        return False
    return True


def _is_regular(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.lstat().st_mode)
    except OSError:
        return False


def _count(broken: int) -> Metric:
    return GaugeMetricFamily(
        'streamtap_multiprocess_broken_files',
        'Files of prometheus_client that cannot be read, and whose values are left out.',
        broken,
    )
