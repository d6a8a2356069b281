"""Every case there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.adapters import ADAPTERS
from truth.attempts import ATTEMPTS
from truth.causes import CAUSES
from truth.consumers import CONSUMERS
from truth.deferred import DEFERRED
from truth.delegation import DELEGATION
from truth.endings import ENDINGS
from truth.failures import FAILURES
from truth.hangs import HANGS
from truth.loops import LOOPS
from truth.modes import MODES
from truth.objectives import OBJECTIVES
from truth.outputs import OUTPUTS
from truth.polite import POLITE
from truth.preparation import PREPARATION
from truth.prompts import PROMPTS
from truth.raises import RAISES
from truth.readers import READERS
from truth.refusals import REFUSALS
from truth.speeds import SPEEDS
from truth.stops import STOPS
from truth.tools import TOOLS
from truth.wrappers import WRAPPERS

if TYPE_CHECKING:
    from support.doors import Door
    from truth.case import Case

GROUPS = (
    MODES,
    ADAPTERS,
    ENDINGS,
    RAISES,
    STOPS,
    FAILURES,
    DEFERRED,
    HANGS,
    TOOLS,
    REFUSALS,
    OUTPUTS,
    DELEGATION,
    WRAPPERS,
    PREPARATION,
    CONSUMERS,
    SPEEDS,
    READERS,
    LOOPS,
    PROMPTS,
    POLITE,
    OBJECTIVES,
    ATTEMPTS,
    CAUSES,
)


def all_cases() -> list[tuple[Case, Door]]:
    """Each case at each door that can be used that way."""
    return [(case, door) for group in GROUPS for case in group.cases for door in case.expected]
