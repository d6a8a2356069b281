"""Every case there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.adapters import ADAPTERS
from truth.deferred import DEFERRED
from truth.delegation import DELEGATION
from truth.endings import ENDINGS
from truth.failures import FAILURES
from truth.modes import MODES
from truth.outputs import OUTPUTS
from truth.raises import RAISES
from truth.refusals import REFUSALS
from truth.stops import STOPS
from truth.tools import TOOLS

if TYPE_CHECKING:
    from truth.case import Case, Door

GROUPS = (MODES, ADAPTERS, ENDINGS, RAISES, STOPS, FAILURES, DEFERRED, TOOLS, REFUSALS, OUTPUTS, DELEGATION)


def all_cases() -> list[tuple[Case, Door]]:
    """Each case at each door that can be used that way."""
    return [(case, door) for group in GROUPS for case in group.cases for door in case.expected]
