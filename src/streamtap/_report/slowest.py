"""The slowest runs."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from streamtap._base.names import clean
from streamtap._display.exits import in_sentence
from streamtap._display.grid import Column, Grid
from streamtap._display.moments import iso, moment
from streamtap._display.text import seconds
from streamtap._display.verdict import mostly, verdict
from streamtap._records.failed import has_failed
from streamtap._report.steps import labels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streamtap._records.run_tree import RunTree

MOST_ROWS = 5
"""How many runs a table shows."""

_COLUMNS = (
    Column('slowest run'),
    Column('took'),
    Column('began', 1, to_left=True),
)

_HAPPENED = Column('what happened', to_left=True)
_MOSTLY = Column('mostly', to_left=True)
_LABELS = Column('labels', to_left=True)


class SlowestRuns:
    """Keeps the slowest of some runs.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._slowest: list[tuple[float, int, RunTree]] = []
        self._read = 0

    def add(self, tree: RunTree) -> None:
        """Add a run; of those that took equally long, the first is kept."""
        self._read += 1
        heapq.heappush(self._slowest, (tree.run.duration or 0.0, -self._read, tree))
        if len(self._slowest) > self._count:
            heapq.heappop(self._slowest)

    def trees(self) -> list[RunTree]:
        """The slowest runs, the slowest first."""
        return [tree for _, _, tree in sorted(self._slowest, key=lambda each: each[:2], reverse=True)]


def why(tree: RunTree, written: Callable[[str], str] = str) -> str:
    """What happened to a run, such as how it failed, and what most of its time was spent on, in a few words.

    Args:
        tree: The run.
        written: How a name is written inside a sentence.
    """
    return '; '.join(filter(None, [happened(tree, written), mostly(tree, written)])) or tree.run.outcome


def happened(tree: RunTree, written: Callable[[str], str] = str) -> str:
    """What happened to a run, such as how it failed; empty if its verdict is where its time went.

    Args:
        tree: The run.
        written: How a name is written inside a sentence.
    """
    words = verdict(tree, written).words
    if has_failed(tree.run):
        return f'{tree.run.outcome}: {words}'
    return '' if words == mostly(tree, written) else words


def slowest_grid(trees: Sequence[RunTree]) -> Grid:
    """The slowest runs as a table; what happened and their labels only if that says something of any of them."""
    shown = trees[:MOST_ROWS]
    is_told = any(happened(tree) for tree in shown)
    has_labels = any(labels_of(tree.run) for tree in shown)
    rows = [
        (
            f'{clean(tree.run.agent)} {clean(tree.run.run_id)}',
            seconds(tree.run.duration),
            f'{moment(tree.run.started_ns / 1e9):%m-%d %H:%M:%S}',
            *([labels_of(tree.run) or '-'] if has_labels else []),
            mostly(tree, in_sentence) or '-',
            *([happened(tree, in_sentence) or '-'] if is_told else []),
        )
        for tree in shown
    ]
    # What is long comes last: on a narrow terminal it has a line of its own.
    columns = (*_COLUMNS, *([_LABELS] if has_labels else []), _MOSTLY, *([_HAPPENED] if is_told else []))
    return Grid(columns, rows, name='slowest runs', wraps=True)


def slowest_data(tree: RunTree) -> Mapping[str, object]:
    """One of the slowest runs as the fields of an object."""
    run = tree.run
    return {
        'run_id': run.run_id,
        'agent': run.agent,
        'labels': dict(run.labels),
        'began': iso(run.started_ns),
        'duration': run.duration,
        'outcome': run.outcome,
        'why': why(tree),
        'trace_id': run.trace_id,
    }
