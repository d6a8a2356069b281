"""Where the traces of runs are kept: the address of one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

TRACE_ID = '{trace_id}'

_HINT = f"pass for instance trace_url='https://jaeger.example.org/trace/{TRACE_ID}'"

_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%{}-]*")


def checked_trace_url(trace_url: str | None) -> str | None:
    """The same, if it is the address of a trace, with `{trace_id}` in the place of its id, or `None`.

    Raises:
        TypeError: If it is not a string.
        ValueError: If it is no such address.
    """
    if trace_url is None:
        return None
    if not isinstance(trace_url, str):  # pyright: ignore[reportUnnecessaryIsInstance] # who has no type checker
        raise TypeError(f'trace_url must be a string, not {type(trace_url).__name__}: {_HINT}')
    if TRACE_ID not in trace_url:
        raise ValueError(f'trace_url must contain {TRACE_ID}, where the id of a trace goes: {_HINT}')
    rest = trace_url.replace(TRACE_ID, '')
    if '{' in rest or '}' in rest:
        raise ValueError(f'trace_url may have nothing in braces but {TRACE_ID}: write other braces as %7B and %7D')
    if not _CHARACTERS.fullmatch(trace_url):
        raise ValueError('trace_url has characters that an address cannot have: write them as %20 and the like')
    parts = urlsplit(trace_url)
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise ValueError(f'trace_url must begin with https:// or http:// and a host: {_HINT}')
    if TRACE_ID in parts.netloc or '@' in parts.netloc:
        raise ValueError('trace_url may have neither the id of the trace nor a user and a password in its host')
    return trace_url
