"""Names that are safe to export."""

from __future__ import annotations

MAX_LENGTH = 200
"""How many characters of a name are kept: names made up by models, users and servers can have any length."""


def clean(name: str) -> str:
    """The name, safe to export: valid UTF-8 of at most 200 characters."""
    shown = name if len(name) <= MAX_LENGTH else name[:MAX_LENGTH]
    return shown if shown.isascii() else shown.encode('utf-8', 'replace').decode('utf-8')
