"""A few runs with all that happened in them, read again from their journals."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from streamtap._report.run_trees import RunTrees
from streamtap._report.selection import as_outermost

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamtap._records.records import RunRecord
    from streamtap._records.run_tree import RunTree
    from streamtap._report.fleet.store import Store

_ALL_OF = """
    WITH RECURSIVE ids(run_id) AS (
        SELECT run_id FROM chosen WHERE pos IN (SELECT unnest($ends))
        UNION SELECT chosen.run_id FROM chosen JOIN ids ON chosen.parent = ids.run_id WHERE kind = 'run')
    SELECT pos, kind = 'run' AND parent IS NULL FROM chosen WHERE run_id IN (FROM ids) ORDER BY pos"""


def trees_of(store: Store, ends: Iterable[int]) -> Mapping[int, RunTree]:
    """The runs that end at some lines, put together as in a single pass over all records.

    Args:
        store: The records.
        ends: The numbers of these lines.
    """
    wanted = list(ends)
    found: dict[int, RunTree] = {}
    trees = RunTrees()
    rows = store.each(_ALL_OF, ends=wanted) if wanted else ()
    for position, is_outermost in cast('Iterable[tuple[int, bool]]', rows):
        record = outermost(store, position) if is_outermost else store.record(position)
        if (tree := trees.add(record)) is not None and position in wanted:
            found[position] = tree
    return found


def outermost(store: Store, position: int) -> RunRecord:
    """A run that no other run called, or that is looked at as if none had."""
    return as_outermost(cast('RunRecord', store.record(position)))
