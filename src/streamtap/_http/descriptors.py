"""How many descriptors the system still gives to this process."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

try:
    import resource
except ImportError:  # Windows, which has no such limit
    resource = None


def spare_descriptors(newest: socket.socket) -> float:
    """How many more can be opened at most.

    Args:
        newest: What was opened last: the system gives the lowest number that is free, so that all below it are taken.
    """
    if resource is None:
        return math.inf
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if limit == resource.RLIM_INFINITY else limit - newest.fileno()
