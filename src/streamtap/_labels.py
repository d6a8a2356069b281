"""Caps on what a label can become: names that models, users and servers invent must not grow memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = '_other'
"""The value of everything past a cap."""

MAX_LENGTH = 200

_ALWAYS = frozenset({OTHER, '_unknown', ''})


def clean(value: str) -> str:
    """The value as it may stand in an exposition: valid UTF-8 of at most 200 characters."""
    shown = value if len(value) <= MAX_LENGTH else value[:MAX_LENGTH]
    return shown if shown.isascii() else shown.encode('utf-8', 'replace').decode('utf-8')


class LabelCap:
    """Lets the first so many distinct values of each label pass, and folds later ones into `_other`.

    Args:
        limit: Distinct values per label.
        overflowed: Called with the label's name each time a value is folded.
    """

    def __init__(self, limit: int, overflowed: Callable[[str], None]) -> None:
        self._limit = limit
        self._overflowed = overflowed
        self._seen: dict[str, set[str]] = {}

    def __call__(self, label: str, value: str) -> str:
        """The value to use for that label."""
        shown = clean(value)
        seen = self._seen.setdefault(label, set())
        if shown in seen or shown in _ALWAYS:
            return shown
        if len(seen) < self._limit:
            seen.add(shown)
            return shown
        self._overflowed(label)
        return OTHER
