"""One scrape at a time, which all share who ask within a second, so that no number of scrapers takes the application's time."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from streamtap._base.clock import SystemClock
from streamtap._base.forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from streamtap._base.clock import Clock

SHARED_SECONDS = 1.0
"""How long after it was made a scrape is still given to who asks."""

MOST_WAITING = 4
"""How many may wait for a scrape."""

MOST_BYTES = 16 * 1024 * 1024
"""From so many on, in scrapes that somebody is still reading, no other one is made."""


MOST_KINDS = 8
"""How many scrapes of different kinds are made within a second: of other series, formats or encodings."""


class Scrape:
    """The body of a scrape, which its readers share.

    Args:
        data: The bytes.
    """

    __slots__ = ('__weakref__', 'data')

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __iter__(self) -> Iterator[bytes]:
        yield self.data


class SharedScrapes:
    """The scrapes of one registry.

    Args:
        clock: The clock to read.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = SystemClock() if clock is None else clock
        self._recent: dict[Hashable, tuple[float, Scrape]] = {}
        self._read: weakref.WeakSet[Scrape] = weakref.WeakSet()
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the locks, which may be held."""
        self._making = threading.Lock()
        self._places = threading.Semaphore(1 + MOST_WAITING)

    def get(self, kind: Hashable, make: Callable[[], bytes]) -> Scrape | None:
        """The scrape of a kind: a recent one, or else a new one, after those that are being made.

        Args:
            kind: What it depends on, besides the time.
            make: Makes it.

        Returns:
            The scrape; `None` if too many wait already, or too much is still being read.
        """
        if (recent := self._recent_of(kind)) is not None:
            return recent
        places = self._places
        if not places.acquire(blocking=False):
            return None
        try:
            with self._making:
                return self._recent_of(kind) or self._new(kind, make)
        finally:
            places.release()

    def _recent_of(self, kind: Hashable) -> Scrape | None:
        made, scrape = self._recent.get(kind, (0.0, None))
        return scrape if self._clock.monotonic() - made < SHARED_SECONDS else None

    def _new(self, kind: Hashable, make: Callable[[], bytes]) -> Scrape | None:
        now = self._clock.monotonic()
        self._recent = {each: (made, one) for each, (made, one) in self._recent.items() if now - made < SHARED_SECONDS}
        if len(self._recent) >= MOST_KINDS:
            return None
        if self._bytes() >= MOST_BYTES:
            # Those that nobody reads any more are only remembered.
            self._recent.clear()
            if self._bytes() >= MOST_BYTES:
                return None
        scrape = Scrape(make())
        self._read.add(scrape)
        self._recent[kind] = (self._clock.monotonic(), scrape)
        return scrape

    def _bytes(self) -> int:
        return sum(len(scrape.data) for scrape in self._read)
