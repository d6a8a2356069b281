"""Names that are safe to export."""

from __future__ import annotations

from streamtap._base.safe_text import safe

MAX_LENGTH = 200
"""How many characters of a name are kept: names made up by models, users and servers can have any length."""


def clean(name: str) -> str:
    """The name as it may leave the process by any exit: plain text of at most 200 characters, none of them unsafe."""
    # Not as a class of its own would have it, such as an enumeration.
    return safe(str.__str__(name)[:MAX_LENGTH])
