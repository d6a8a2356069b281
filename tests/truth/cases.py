"""Every case there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.consumers import CONSUMERS
from truth.hangs import HANGS
from truth.modes import MODES
from truth.preparation import PREPARATION
from truth.wrappers import WRAPPERS

if TYPE_CHECKING:
    from truth.case import Case, Door

GROUPS = (MODES, WRAPPERS, PREPARATION, HANGS, CONSUMERS)


def all_cases() -> list[tuple[Case, Door]]:
    """Each case at each door that can be used that way."""
    return [(case, door) for group in GROUPS for case in group.cases for door in case.expected]
