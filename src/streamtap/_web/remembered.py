"""What is remembered of a run, open or finished, in bounded memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.run_tree import RunTree
from streamtap._web.callees import Callees
from streamtap._web.documents import outermost_document

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._web.plain_data import Json

MAX_ROWS = 100
"""How many requests, tool calls and nested runs are remembered per run."""


@dataclass(slots=True)
class Remembered:
    """A run.

    `size` includes the rows of nested runs; `ended` is in seconds since the page began to remember; `number` and `shelves`
    are those of the kept runs.
    """

    started_ns: int
    rows: list[ResponseRecord | ToolRecord] = field(default_factory=list['ResponseRecord | ToolRecord'])
    nested: list[Remembered] = field(default_factory=list['Remembered'])
    callees: Callees = field(default_factory=Callees)
    size: int = 0
    left_out: int = 0
    record: RunRecord | None = None
    ended: float = 0.0
    number: int = 0
    shelves: int = 0
    as_json: str | None = None
    """The finished run as JSON, once a viewer has asked for it."""

    @property
    def duration(self) -> float | None:
        """How long the run took, in seconds, if it is over and that is known."""
        return None if self.record is None else self.record.duration

    def add(self, row: ResponseRecord | ToolRecord) -> None:
        """Remember a request or a tool call, or count it where there are too many."""
        if self.size < MAX_ROWS:
            self.size += 1
            self.rows.append(row)
        else:
            self.left_out += 1

    def adopt(self, nested: Remembered) -> None:
        """Remember a finished run that it called, or count it where there is too much."""
        if nested.record is not None:
            self.callees.add(nested.record)
        if self.size + nested.size < MAX_ROWS:
            self.size += nested.size + 1
            self.nested.append(nested)
        else:
            self.left_out += 1

    def tree(self, record: RunRecord) -> RunTree:
        """The run with what happened in it."""
        return RunTree(record, [*self.rows, *self.called()], left_out=self.left_out)

    def called(self) -> list[RunTree]:
        """The finished runs that it called."""
        return [one.tree(one.record) for one in self.nested if one.record is not None]

    def finished_json(self) -> str:
        """The finished run as JSON, which then stands for its rows."""
        if self.as_json is None and self.record is not None:
            document = outermost_document(self.tree(self.record))
            self.as_json = as_json({'number': self.number, 'ended': self.ended, **document})
            self.rows, self.nested = [], []
        return self.as_json or 'null'


def as_json(document: Json) -> str:
    """A document as JSON on one line."""
    return json.dumps(document, separators=(',', ':'), allow_nan=False)
