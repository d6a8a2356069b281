"""Groups that are counted separately, as long as there are not too many."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from streamtap._sinks.label_cap import OTHER

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_GROUPS = 50
"""How many agents, models, tools, values of a label or errors are counted separately; the rest are one more group."""

Key: TypeAlias = 'tuple[str, ...]'

Counted = TypeVar('Counted')


def group(groups: dict[Key, Counted], key: Key, make: Callable[[], Counted]) -> Counted:
    """What counts a group, or all those past the cap.

    Args:
        groups: The groups so far.
        key: The group's names.
        make: Makes what counts a new one.
    """
    found = groups.get(key)
    if found is None:
        if len(groups) >= MAX_GROUPS:
            key = tuple(OTHER for _ in key)
        found = groups.setdefault(key, make())
    return found
