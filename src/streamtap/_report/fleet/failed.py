"""The runs that failed, grouped by what their records say of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast

from pydantic_core import from_json

from streamtap._records.failed import FAILED_RUNS
from streamtap._records.records import FailureRecord, RunRecord
from streamtap._report.failures import MOST_KINDS
from streamtap._sinks.usage.failures import FailureGroups, ended_ns, kind_of
from streamtap._sinks.usage.ledger import MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamtap._records.records import RunOutcome
    from streamtap._report.fleet.store import Store

_Row: TypeAlias = 'tuple[int, str, str, int, float | None, RunOutcome, str | None, str | None]'


def failure_groups(store: Store) -> tuple[FailureGroups, Mapping[FailureRecord, int]]:
    """The groups, as of a single pass, and where the newest run of each ends, of as many as that keeps.

    Args:
        store: The records.
    """
    groups = FailureGroups(MAX_GROUPS)
    newest: dict[FailureRecord, tuple[int, int]] = {}
    for position, run in _failed(store):
        groups.add(run)
        kind = kind_of(cast('FailureRecord', run.failure))
        newest[kind] = max(newest.get(kind, (0, 0)), (ended_ns(run), position))
        if len(newest) > MOST_KINDS:
            newest.pop(kind)
    return groups, {kind: position for kind, (_, position) in newest.items()}


def _failed(store: Store) -> Iterator[tuple[int, RunRecord]]:
    """The runs that failed and that no other run called, in order, as far as their failure is concerned."""
    outcomes = ', '.join(f"'{each}'" for each in FAILED_RUNS)
    rows = store.each(
        'SELECT pos, run_id, agent, started_ns, duration, outcome, error_type, failure FROM chosen '
        f"WHERE kind = 'run' AND parent IS NULL AND outcome IN ({outcomes}) ORDER BY pos"
    )
    for position, run_id, agent, started_ns, duration, outcome, error_type, told in cast('Iterator[_Row]', rows):
        yield (
            position,
            RunRecord(
                run_id=run_id,
                agent=agent,
                root_agent=agent,
                door='handler',
                started_ns=started_ns,
                duration=duration,
                outcome=outcome,
                failure=FailureRecord(agent=agent, error=error_type or outcome) if told is None else _told(told),
            ),
        )


@lru_cache(1000)
def _told(text: str) -> FailureRecord:
    return FailureRecord(**from_json(text))
