"""How much of a tool's time was that of the runs that it called."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import RunRecord, ToolRecord

MAX_CALLEES = 100
"""How many runs that a run called are remembered until their tools end: the last ones."""

_SLACK_NS = 2_000_000
"""How much before its tool a called run may begin, as clocks go."""


class Callees:
    """The finished runs that an open run called, until the tools that called them end."""

    __slots__ = ('_runs',)

    def __init__(self) -> None:
        self._runs: list[RunRecord] = []

    def add(self, record: RunRecord) -> None:
        """Remember a run."""
        if len(self._runs) == MAX_CALLEES:
            del self._runs[0]
        self._runs.append(record)

    def clear(self) -> None:
        """Forget all of them: the run that called them is over."""
        self._runs.clear()

    def seconds_in(self, tool: ToolRecord) -> Mapping[str, float]:
        """The seconds of a tool call by the agents that it called; these runs are then of no other one.

        A called run is of the call whose id it has. Where it has none, it is of the first call to end in whose time it
        began: a tool that waits for a run ends right after it.

        Args:
            tool: The call, which has just ended.
        """
        if not self._runs or tool.duration is None or tool.kind == 'native':
            return {}
        first, last = tool.started_ns - _SLACK_NS, tool.started_ns + tool.duration * 1e9 + _SLACK_NS

        def is_mine(run: RunRecord) -> bool:
            return first <= run.started_ns <= last and run.parent_tool_call_id in (None, tool.tool_call_id)

        mine = [run for run in self._runs if is_mine(run)]
        self._runs = [run for run in self._runs if not is_mine(run)]
        found: defaultdict[str, float] = defaultdict(float)
        for run in mine:
            found[run.agent] += run.duration or 0.0
        together = sum(found.values())
        # Several at once took no more than their tool.
        scale = min(1.0, tool.duration / together) if together else 0.0
        return {agent: scale * seconds for agent, seconds in found.items()}
