"""Addresses of traces: a template of the user's, with the trace's id put into it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PLACE = '{trace_id}'
"""What stands in a template for the id."""

_ID = re.compile(r'[0-9a-f]{32}', re.ASCII)

_CHARACTERS = re.compile(r"[\w.~:/?#\[\]@!$&'()*+,;=%-]*", re.ASCII)


def check_trace_url(name: str, template: object) -> None:
    """Reject anything but an address of http or https that has `{trace_id}` after its host.

    Args:
        name: What the template is called where it is given, for the message.
        template: The template.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is no such address.
    """
    if not isinstance(template, str):
        raise TypeError(f'{name} must be text, not {type(template).__name__}')
    example = f'write it like https://traces.example.com/trace/{PLACE}'
    try:
        parts = urlsplit(template)
    except ValueError:
        raise ValueError(f'{name} is no address: {example}') from None
    if parts.scheme not in ('http', 'https') or not parts.hostname:
        raise ValueError(f'{name} must begin with http:// or https:// and a host: {example}')
    if PLACE not in template or PLACE in parts.netloc:
        raise ValueError(f'{name} must have {PLACE} after its host: {example}')
    if not _CHARACTERS.fullmatch(template.replace(PLACE, '')):
        raise ValueError(f'{name} has a character that no address has: write it as %20 and the like')
    if '@' in parts.netloc:
        raise ValueError(f'{name} has a user or a password, which everybody would read: {example}')


def trace_url(template: str, trace_id: str | None) -> str | None:
    """The address of a trace; `None` if the run has none, or an id that is no trace's.

    Args:
        template: The template, as `check_trace_url` lets it pass.
        trace_id: The trace's id: 32 hexadecimal digits.
    """
    if trace_id is None or not _ID.fullmatch(trace_id):
        return None
    return template.replace(PLACE, trace_id)
