"""The runs that failed, grouped by what failed, where, and in which agent."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._base.clock import after
from streamtap._display.exits import short_name
from streamtap._display.grid import Column, Grid
from streamtap._display.verdict import Failure, failure
from streamtap._report.moments import iso, moment
from streamtap._sinks.label_cap import OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap._records.run_tree import RunTree

MOST_GROUPS = 500
"""How many groups there can be before further failures are counted together as `_other`."""

MOST_EXAMPLES = 3
"""How many of the latest runs of a group are named."""

MOST_ROWS = 20
"""How many groups a table shows."""

MOST_HELD = 100_000
"""How many requests, tool calls, nested runs and parts of responses are kept of all runs that are drawn."""

_COLUMNS = (
    Column('failure'),
    Column('where', to_left=True),
    Column('agent', to_left=True),
    Column('runs'),
    Column('first seen', 1, to_left=True),
    Column('last seen', 2, to_left=True),
    Column('newest run', to_left=True),
)

_OTHER = Failure(OTHER, OTHER, '', '')


@dataclass(slots=True)
class FailureGroup:
    """The runs that failed in the same way.

    Args:
        failure: What failed, and where.
        runs: How many they are: those that no other run called, whichever run of theirs failed first.
        first_ns: When the first of them failed.
        last_ns: When the last did.
        newest: When the newest of them failed, and their ids, as a heap.
        example: The newest that could be kept.
    """

    failure: Failure
    first_ns: int
    last_ns: int
    runs: int = 0
    newest: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    example: RunTree | None = None

    @property
    def place(self) -> str:
        """Where it failed: a tool, or a model by its name; empty if it was neither."""
        return f'tool {self.failure.name}' if self.failure.place == 'tool' else self.failure.name

    @property
    def run_ids(self) -> list[str]:
        """The ids of the newest of them, the newest first."""
        return [run_id for _, run_id in sorted(self.newest, reverse=True)]

    @property
    def data(self) -> Mapping[str, object]:
        """As the fields of an object."""
        return {
            'error': self.failure.error,
            'place': self.place,
            'agent': self.failure.agent,
            'runs': self.runs,
            'first_seen': iso(self.first_ns),
            'last_seen': iso(self.last_ns),
            'run_ids': self.run_ids,
        }


class Failures:
    """Groups runs that failed, in bounded memory."""

    def __init__(self) -> None:
        self._groups: dict[Failure, FailureGroup] = {}
        self._held = 0

    def add(self, tree: RunTree) -> None:
        """Add a run that no other run called; one that did not fail is ignored."""
        run, failed = tree.run, failure(tree)
        if failed is None:
            return
        if failed not in self._groups and len(self._groups) >= MOST_GROUPS:
            failed = _OTHER
        ended = after(run.started_ns, run.duration or 0.0)
        group = self._groups.setdefault(failed, FailureGroup(failed, ended, ended))
        group.runs += 1
        group.first_ns, group.last_ns = min(group.first_ns, ended), max(group.last_ns, ended)
        heapq.heappush(group.newest, (ended, run.run_id))
        if len(group.newest) > MOST_EXAMPLES:
            heapq.heappop(group.newest)
        if group.last_ns == ended:
            self._hold(group, tree)

    def groups(self) -> list[FailureGroup]:
        """The groups, the largest first, and of those that are equally large the newest."""
        return sorted(self._groups.values(), key=lambda each: (-each.runs, -each.last_ns))

    def _hold(self, group: FailureGroup, tree: RunTree) -> None:
        before = 0 if group.example is None else 1 + group.example.weight
        if self._held - before + 1 + tree.weight <= MOST_HELD:
            self._held += 1 + tree.weight - before
            group.example = tree


def failure_grid(groups: Sequence[FailureGroup]) -> Grid:
    """The groups as a table, with their newest run."""
    rows = [
        (
            short_name(each.failure.error),
            short_name(each.place) or '-',
            short_name(each.failure.agent),
            f'{each.runs:,}',
            _when(each.first_ns),
            _when(each.last_ns),
            short_name(each.run_ids[0]),
        )
        for each in groups[:MOST_ROWS]
    ]
    return Grid(_COLUMNS, rows, name='failures')


def left_out(groups: Sequence[FailureGroup]) -> str:
    """What the table leaves out, as a sentence; empty if it has all."""
    more = groups[MOST_ROWS:]
    runs = sum(each.runs for each in more)
    return (
        f'{len(more):,} more kinds of failures are not shown, of {runs:,} runs: JSON and CSV have them.' if more else ''
    )


def _when(unix_ns: int) -> str:
    return f'{moment(unix_ns / 1e9):%m-%d %H:%M:%S}'
