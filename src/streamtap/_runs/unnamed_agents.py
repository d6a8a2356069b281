"""Which agents share the name that is everybody's who has none."""

from __future__ import annotations

import contextlib
import weakref
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_AGENTS = 1000
"""How many agents are told apart."""


class UnnamedAgents:
    """Counts the agents without a name that exist at the same time; it keeps none of them alive."""

    def __init__(self) -> None:
        self._alive: dict[int, weakref.ref[object]] = {}

    def with_this(self, agent: object) -> int:
        """How many there are, this one included: 1 where that cannot be seen."""
        known = id(agent)
        if known not in self._alive and len(self._alive) < MAX_AGENTS:
            forget: Callable[[object], object] = partial(_forget, self._alive, known)
            # A context may have no agent, or one to which nothing can refer weakly.
            with contextlib.suppress(TypeError):
                self._alive[known] = weakref.ref(agent, forget)
        return max(1, len(self._alive))


def _forget(alive: dict[int, weakref.ref[object]], known: int, _: object) -> None:
    alive.pop(known, None)
