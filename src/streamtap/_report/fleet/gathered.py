"""Everything that a report shows of the journals of a fleet, gathered by queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from streamtap._records.records import FailureRecord
from streamtap._report.fleet.failed import failure_groups
from streamtap._report.fleet.names import name_all
from streamtap._report.fleet.trees import outermost, trees_of
from streamtap._report.fleet.usage import FleetUsage, quantile_of
from streamtap._report.gathered import MOST_DRAWN, SLOWEST
from streamtap._report.over_time import Slot, Slots, step_for, tail_of
from streamtap._report.quantities import BLANK_SCREEN, FIRST_TOKEN, RUN_DURATION, SPEED
from streamtap._report.samples import Samples
from streamtap._sinks.usage.ledger import MAX_SLOWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._display.grid import Grid
    from streamtap._records.run_tree import RunTree
    from streamtap._records.words import FailurePlace
    from streamtap._report.fleet.store import Store
    from streamtap._report.quantities import Quantity
    from streamtap._report.selection import Selection

_USERS = "kind = 'run' AND parent IS NULL"
"""The runs that users asked for."""

_VALUES = {
    BLANK_SCREEN: ('first_output', _USERS),
    RUN_DURATION: ('duration', _USERS),
    FIRST_TOKEN: ('first_token', "kind = 'response'"),
    SPEED: ('speed', "kind = 'response'"),
}
"""Where the values of a quantity are."""

_SPAN = """
    SELECT count(*), min(started_ns),
        max(started_ns::HUGEINT + round_even(coalesce(duration, 0) * 1e9, 0)::HUGEINT) FROM chosen"""

_SPENT = """
    SELECT agent, provider || ':' || model, sum(cost_usd ORDER BY pos) FROM chosen
    WHERE kind = 'response' AND cost_usd IS NOT NULL GROUP BY ALL ORDER BY min(pos)"""


class FleetGathered:
    """The figures of the records in a store: those of `Gathered`, of very many records.

    Args:
        store: The store, with a view `chosen` of the records that are looked at.
        names: The names of the journals they come from, for headings.
        selection: What was chosen.
        last: Where the last runs end.
    """

    def __init__(self, store: Store, names: str, selection: Selection, last: Sequence[int]) -> None:
        self.names = names
        self.selection = selection
        self._store = store
        span = cast('tuple[int, int | None, int | None]', store.rows(_SPAN)[0])
        self.count, self.first_ns, self.last_ns = span
        name_all(store)
        ends = 'SELECT pos FROM chosen WHERE pos IN (SELECT unnest($last)) AND parent IS NULL'
        users = {position for (position,) in store.rows(ends, last=list(last))}
        recent = [outermost(store, each) if each in users else store.record(each) for each in last]
        slow = f'SELECT pos FROM chosen WHERE {_USERS} ORDER BY coalesce(duration, 0) DESC, pos LIMIT {MAX_SLOWEST}'
        slowest = [position for (position,) in cast('list[tuple[int]]', store.rows(slow))]
        groups, newest = failure_groups(store)
        slow_runs = [outermost(store, each) for each in slowest]
        self.summary = FleetUsage(store, recent, slow_runs, groups).summary()  # pyright: ignore[reportArgumentType] - runs
        spent = cast('list[tuple[str, str, float]]', store.rows(_SPENT))
        self.cost_usd = {(agent, model): cost for agent, model, cost in spent}
        drawn = [
            (newest[kind], each.runs)
            for each in self.summary.failures[:MOST_DRAWN]
            if (
                kind := FailureRecord(
                    agent=each.agent, error=each.error, place=cast('FailurePlace', each.place), name=each.name
                )
            )
            in newest
        ]
        trees = trees_of(store, [*slowest[:SLOWEST], *(position for position, _ in drawn)])
        self.slowest = [trees[position] for position in slowest[:SLOWEST]]
        self.examples = [(trees[position], runs) for position, runs in drawn]
        # Those who ask for values are answered by a single pass.
        self.samples = Samples()

    def over_time(self, quantity: Quantity) -> Slots:
        """The values of a quantity over time."""
        value, where = _VALUES[quantity]
        timed = (
            f'(SELECT started_ns / 1e9 AS moment, {value} AS value FROM chosen WHERE {where} AND {value} IS NOT NULL)'
        )
        ends = cast(
            'tuple[float, float] | tuple[None, None]',
            self._store.rows(f'SELECT min(moment), max(moment) FROM {timed}')[0],
        )
        if ends[0] is None:
            return Slots(1, [])
        step = step_for(ends[1] - ends[0])
        # As Python divides floats: what is left over is exact, and the quotient would not be.
        start = f'round((moment - moment % {step}.0) / {step}.0) * {step}.0'
        rows = self._store.rows(
            f'SELECT {start}, count(*), {quantile_of("value", 0.5)}, {quantile_of("value", tail_of(quantity))} '
            f'FROM {timed} GROUP BY 1 ORDER BY 1'
        )
        return Slots(step, [Slot(*each) for each in cast('list[tuple[float, int, float, float]]', rows)])

    @property
    def single(self) -> RunTree | None:
        """The run, if a single one is looked at."""
        return self.slowest[0] if self.selection.choice.run is not None and self.slowest else None

    def notes(self, grids: Sequence[Grid]) -> list[str]:
        """What is missing, left out or may be too low in some tables, and why, a sentence for each reason."""
        return [*self.selection.notes(), *self.summary.notes(grids, called=self.selection.called)]
