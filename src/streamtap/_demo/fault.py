"""Faults that can be injected into the demo, so that dashboards and alerts have something to find."""

from __future__ import annotations

import time
from typing import Literal, TypeAlias

FaultName: TypeAlias = Literal['slow-tool', 'rate-limit', 'stalls', 'errors', 'cost', 'loop', 'context', 'cache']

FAULTS: dict[FaultName, str] = {
    'slow-tool': "the researcher's search_web takes 4 to 6 seconds",
    'rate-limit': "the support agent's gpt-5-mini refuses most requests, and its fallback answers",
    'stalls': "the researcher's gpt-5.2 falls silent twice in each answer",
    'errors': "most of the coder's runs fail, because its o4-mini breaks off in mid-response",
    'cost': "the coder's history grows by 40,000 tokens with each request",
    'loop': 'support looks up one order again and again, and the coder patches and tests in turn',
    'context': "the coder's run_tests returns 31,000 tokens of log, so its conversations fill o4-mini",
    'cache': "each run's own id stands first in the researcher's prompt, so no cache knows it",
}
"""Each fault, and what it does."""


class Fault:
    """One of the faults, or none, from a given time on.

    Args:
        name: Which one; `None` for none.
        after: Seconds from now until it begins.
    """

    def __init__(self, name: FaultName | None = None, *, after: float = 0.0) -> None:
        self.name: FaultName | None = name
        self._begins = time.monotonic() + after

    def is_on(self, name: FaultName) -> bool:
        """Whether this fault was chosen, and has begun.

        Args:
            name: The fault to ask for.
        """
        return name == self.name and time.monotonic() >= self._begins
