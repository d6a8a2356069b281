"""How much memory the process holds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
import resource
import sys
import tempfile
from pathlib import Path

from genai_prices.data_snapshot import get_snapshot

MIB = 2**20

LONG = 20_000
"""Runs that fill the tap's own caps in their first half, so that the second can be held against it."""

KEPT_BY_GENAI_PRICES = ('_provider_cache', '_provider_misses', '_lookup_cache')

STATM = Path('/proc/self/statm')

ALLOCATED = re.compile(r'# bytes in allocated blocks\s*=\s*([\d,]+)')


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *('arena', 'ordblks', 'smblks', 'hblks', 'hblkhd'),
            *('usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost'),
        )
    )


def growth(runs: int) -> float:
    """MiB by which the second half of the runs may leave more memory in use than the first.

    In a short one the tap's caps still fill. What each run leaves behind shows in a long one only.
    """
    return 2.0 if runs >= LONG else 6.0


def in_use() -> int:
    """Bytes that are allocated, after garbage is collected.

    Not those that the allocators keep for later: thousands of runs at once leave holes in their pools, which grow for a
    long time, with or without a tap. Where the allocators do not tell, it is what is resident.
    """
    _collect()
    libc = ctypes.CDLL(None)
    if sys.implementation.name != 'cpython' or not hasattr(libc, 'mallinfo2'):
        return resident()
    libc.mallinfo2.restype = _Mallinfo2
    c = libc.mallinfo2()
    return _allocated_by_python() + c.uordblks + c.hblkhd


def resident() -> int:
    """Bytes of the process that are in memory, after garbage is collected and free memory is given back.

    Where there is no /proc, the most there ever were.
    """
    _collect()
    with contextlib.suppress(OSError, AttributeError):
        # What the C library keeps for later says nothing about what is held.
        ctypes.CDLL(None).malloc_trim(0)
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def _collect() -> None:
    # What genai-prices remembers is not the tap's: pydantic-ai asks it for the price of each response, and it keeps
    # each model name that it was ever asked for.
    snapshot = get_snapshot()
    for name in KEPT_BY_GENAI_PRICES:
        # Names of its own, which another release may change: then it is counted, and a long soak says so.
        with contextlib.suppress(AttributeError):
            getattr(snapshot, name).clear()
    for _ in range(3):
        gc.collect()


def _allocated_by_python() -> int:
    """Bytes of the blocks that Python's own allocator gave out, which it tells on the standard error stream only."""
    with tempfile.TemporaryFile('w+') as told:
        error = os.dup(2)
        os.dup2(told.fileno(), 2)
        try:
            sys._debugmallocstats()  # pyright: ignore[reportPrivateUsage]
        finally:
            os.dup2(error, 2)
            os.close(error)
        told.seek(0)
        found = ALLOCATED.search(told.read())
    assert found is not None, 'this Python says otherwise what it allocated'
    return int(found[1].replace(',', ''))
