"""How much memory the process holds."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
from pathlib import Path

from genai_prices.data_snapshot import get_snapshot

MIB = 2**20

LONG = 20_000
"""Runs that fill the tap's own caps in their first half, so that the second can be held against it."""


def growth(runs: int) -> float:
    """MiB by which the second half of the runs may leave more memory in use than the first.

    In a short one the tap's caps, and the pools of Python and of the C library, still fill: 400 runs left 8 MiB, and
    2,000 left 7. What each run leaves behind shows in a long one only.
    """
    return 2.0 if runs >= LONG else 24.0


KEPT_BY_GENAI_PRICES = ('_provider_cache', '_provider_misses', '_lookup_cache')

STATM = Path('/proc/self/statm')


def resident() -> int:
    """Bytes of the process that are in memory, after garbage is collected and free memory is given back.

    Where there is no /proc, the most there ever were. What genai-prices remembers is not the tap's: pydantic-ai asks it
    for the price of each response, and it keeps each model name that it was ever asked for.
    """
    _forget_prices()
    for _ in range(3):
        gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        # What the C library keeps for later says nothing about what is held.
        ctypes.CDLL(None).malloc_trim(0)
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def _forget_prices() -> None:
    snapshot = get_snapshot()
    for name in KEPT_BY_GENAI_PRICES:
        getattr(snapshot, name).clear()
