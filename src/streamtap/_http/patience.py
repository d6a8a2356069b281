"""How long an answer waits for its reader."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from streamtap._http.limits import Limits


class Patience:
    """The seconds that are left to the reader of an answer: only those count in which something waits for it.

    Args:
        limits: Those of the server.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.write_seconds

    def extend(self, length: int) -> None:
        """Give the reader the time that a piece takes at the slowest, besides what is left of `write_seconds`.

        Args:
            length: The bytes of the piece.
        """
        more = length / self._limits.bytes_per_second
        self._left = min(self._left, self._limits.write_seconds) + more

    @contextlib.contextmanager
    def waiting(self) -> Generator[float]:
        """Wait for the reader in the block; it gets the seconds that it may take at most.

        Raises:
            TimeoutError: If none are left.
        """
        if self._left <= 0:
            raise TimeoutError('the reader of an answer is too slow')
        began = time.monotonic()
        try:
            yield self._left
        finally:
            self._left -= time.monotonic() - began
