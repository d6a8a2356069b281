"""What the meter keeps of a response: its parts, the calls of native tools, and its longest waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PACED_AFTER = {'call': 3, 'output_call': 3}
"""How many chunks of a part have no pace: the first of any, of a call also those around which its markup is hidden."""

Role = Literal['thinking', 'answer', 'call', 'output_call']
"""What a part is to the user: thinking, an answer that a user sees, a call of a tool, or the call that is the output."""


@dataclass(slots=True)
class Part:
    """One part of the response."""

    index: int
    kind: str
    role: Role
    tool: str | None
    tool_call_id: str | None
    started: float
    last_chunk: float
    chunks: int = 0
    paced_from: float | None = None
    """When the last of the chunks came that have no pace."""

    @property
    def unpaced(self) -> int:
        """How many of its chunks have no pace."""
        return PACED_AFTER.get(self.role, 1)


@dataclass(slots=True)
class NativeCall:
    """One call of a native tool, which the provider runs: from the part of the call to the part of its return."""

    tool: str
    tool_call_id: str
    started: float
    ended: float | None = None
    succeeded: bool = True


@dataclass(slots=True)
class LongestWait:
    """A wait for a chunk that was clearly longer than those before it: its seconds, the chunks before it, and when it ended."""

    seconds: float
    chunks_before: int
    ended: float
