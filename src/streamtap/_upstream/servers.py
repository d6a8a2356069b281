"""Where a model's server is, by the URL that pydantic-ai has of it."""

from __future__ import annotations

import functools
from typing import NamedTuple
from urllib.parse import urlsplit

from streamtap._base.names import clean

_PORTS = {'http': 80, 'https': 443, 'ws': 80, 'wss': 443}
"""The port of a URL that names none, by its scheme."""

LONGEST_URL = 2048
"""How many characters of a URL are read."""


class Server(NamedTuple):
    """A server: its host and its port, without anything else of its URL."""

    address: str
    port: int | None


def server_at(url: object) -> Server | None:
    """The server of a URL; `None` if that is no URL of one."""
    return _server_at(url) if isinstance(url, str) and 0 < len(url) <= LONGEST_URL else None


@functools.lru_cache(maxsize=256)
def _server_at(url: str) -> Server | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return Server(clean(host), port or _PORTS.get(parts.scheme)) if host else None
