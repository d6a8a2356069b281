"""Wrong tokens: how many a client may show, and what the log says of them."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap._base.clock import Clock

logger = logging.getLogger('streamtap')

MAX_WRONG = 10
"""Wrong tokens that a client may show in a window."""

WINDOW = 60.0
"""Seconds for which they are counted, and between two lines in the log."""

MAX_CLIENTS = 1000
"""Clients that are remembered; those longest ago are forgotten first."""


class Guesses:
    """Counts wrong tokens by client, so that no client can keep another one out.

    Beyond its ten in a minute a client's tokens are not looked at until the minute is over, right or wrong, as it would
    otherwise learn from the answer. For a client that has shown the token that opens everything they still are: it may
    be the address of a proxy, behind which the owner is as well.

    Args:
        clock: The clock to read.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._scrapers: OrderedDict[str, None] = OrderedDict()
        self._unlogged = 0
        self._last_from = ''
        self._last_logged = float('-inf')

    def are_too_many(self, address: str) -> bool:
        """Whether a client has to wait; if so, its request counts as one more for the log.

        Args:
            address: The client's address.
        """
        client = _client(address)
        with self._lock:
            since, count = self._wrong.get(client, (0.0, 0))
            if client in self._known or count < MAX_WRONG or self._clock.monotonic() - since >= WINDOW:
                return False
            self._unlogged, self._last_from = self._unlogged + 1, address
            return True

    def wrong(self, address: str) -> bool:
        """A client showed a wrong token.

        Args:
            address: The client's address.

        Returns:
            Whether it was one too many.
        """
        client, now = _client(address), self._clock.monotonic()
        with self._lock:
            since, count = self._wrong.pop(client, (now, 0))
            since, count = (since, count + 1) if now - since < WINDOW else (now, 1)
            self._wrong[client] = since, count
            _forget_oldest(self._wrong)
            self._unlogged, self._last_from = self._unlogged + 1, address
            return count > MAX_WRONG

    def right(self, address: str) -> None:
        """A client showed the token that opens everything, or the cookie for it.

        Args:
            address: The client's address.
        """
        self._remember(self._known, address)

    def scraped(self, address: str) -> None:
        """A client showed the token of the metrics: it may scrape on, and guess no more than others.

        Args:
            address: The client's address.
        """
        self._remember(self._scrapers, address)

    def has_scraped(self, address: str) -> bool:
        """Whether a client has shown the token of the metrics.

        Args:
            address: The client's address.
        """
        return _client(address) in self._scrapers

    def _remember(self, clients: OrderedDict[str, None], address: str) -> None:
        client = _client(address)
        with self._lock:
            clients[client] = None
            clients.move_to_end(client)
            _forget_oldest(clients)

    def log(self) -> None:
        """Say in the log how many there were since it was last said, at most once a minute."""
        if not self._unlogged:
            return
        now = self._clock.monotonic()
        with self._lock:
            if now - self._last_logged < WINDOW:
                return
            count, self._unlogged, self._last_logged = self._unlogged, 0, now
            last = self._last_from
        logger.warning('streamtap: %s since this was last said, the last one from %s', _counted(count), last)


def _counted(count: int) -> str:
    return '1 request showed a wrong token' if count == 1 else f'{count} requests showed a wrong token'


def _client(address: str) -> str:
    """One client of IPv6 has a whole network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    # As a listener for both kinds names a client of IPv4.
    parsed = (parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None) or parsed
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed.packed, 64), strict=False))


def _forget_oldest(clients: OrderedDict[str, tuple[float, int]] | OrderedDict[str, None]) -> None:
    while len(clients) > MAX_CLIENTS:
        clients.popitem(last=False)
