"""A cap on the values of labels: names that models, users and servers invent must not grow memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._base.names import clean

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = '_other'
"""The value that replaces everything past a cap."""

_ALWAYS = frozenset({OTHER, '_unknown', ''})


class LabelCap:
    """Keeps the first distinct values of each label, and folds those past the limit into `_other`.

    Args:
        limit: Distinct values per label.
        overflowed: Called with the label's name each time a value is folded, and with `label_sets` each time a
            label set is.
    """

    def __init__(self, limit: int, overflowed: Callable[[str], None]) -> None:
        self.limit = limit
        self.overflowed = overflowed
        self._seen: dict[str, set[str]] = {}

    def __call__(self, label: str, value: str) -> str:
        """The value to use for that label."""
        seen = self._seen.setdefault(label, set())
        if value in seen:
            return value
        shown = clean(value)
        if shown in seen or shown in _ALWAYS:
            return shown
        if len(seen) < self.limit:
            seen.add(shown)
            return shown
        self.overflowed(label)
        return OTHER
