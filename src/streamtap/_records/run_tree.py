"""A run with what happened in it, as far as it is remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

    Piece: TypeAlias = 'ResponseRecord | ToolRecord | RunTree'


@dataclass(slots=True)
class RunTree:
    """A run and its pieces, in the order in which they ended: requests, tool calls, and the runs that these called.

    `count` is how many they are with those of nested runs, `weight` the same with the parts of responses, and `left_out`
    how many more there were.
    """

    run: RunRecord
    pieces: list[Piece] = field(default_factory=list['Piece'])
    count: int = 0
    weight: int = 0
    left_out: int = 0
