"""The user's own replacement for names that say too much, asked where a record is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._base.names import clean
from streamtap._delivery.guard import guarded

if TYPE_CHECKING:
    from streamtap._delivery.guard import Failures

RedactedField: TypeAlias = Literal['provider', 'model', 'error_type', 'conversation_id', 'server_address', 'mcp_server']
"""What `Tap(redact=...)` is asked about, by the field of the records that it becomes; `model` also for `response_model`, and
`mcp_server` for the `server` of a tool's `mcp`."""

Redact: TypeAlias = Callable[[RedactedField, str], str]
"""A user's own replacement for a name: what is recorded instead of it."""

REDACTED = '_redacted'
"""What is recorded where the function failed."""

WHERE = 'redact'

REMEMBERED = 1024
"""For how many names the answer is remembered."""


class Redaction:
    """Replaces names as the user says, or not at all.

    Args:
        redact: The user's function; `None` for no replacement.
        out: Counts the failures of the function.
    """

    def __init__(self, redact: Redact | None, out: Failures) -> None:
        self._redact = redact
        self._out = out
        # The same few names are in every record, and in every look at what is open.
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._ask)

    def __call__(self, field: RedactedField, text: str) -> str:
        """What is recorded for a name; '' stays ''."""
        return self._remembered(field, text) if self._redact is not None and text else text

    def if_known(self, field: RedactedField, text: str | None) -> str | None:
        """The same, for a name that may be absent."""
        return None if text is None else self(field, text)

    def _ask(self, field: RedactedField, text: str) -> str:
        with guarded(self._out, WHERE):
            if self._redact is not None:
                return clean(self._redact(field, text))
        return REDACTED
