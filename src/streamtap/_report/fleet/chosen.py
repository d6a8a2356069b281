"""The records of the runs that are chosen, found by queries: those of `Selection`, of very many records."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from streamtap._report.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._report.choice import Choice
    from streamtap._report.fleet.store import Store
    from streamtap._report.known_names import Known

RECENT = 50
"""How many of the last runs are listed."""

_LAST = 2**63 - 1
"""Where the end of a run is among all that is in it."""

_MOST_DEEP = 50
"""How deep in others the order of runs is told: where runs that ended at once were nested in each other."""

_INSIDE = f'CASE WHEN len(path) > {_MOST_DEEP} THEN path ELSE list_concat(path[:-2], [ends.pos, {_LAST}]) END'
"""Where a run ends in the order of a single pass: after all that is in it, where its callers end."""


class EndedTwiceError(Exception):
    """A run has more than one end, so that it takes a single pass to tell what belongs to which."""


def choose(store: Store, choice: Choice) -> tuple[Selection, Sequence[int]]:
    """Make the view `chosen`: the records of the chosen runs, which count as runs that no other run called.

    Args:
        store: The records.
        choice: Which runs are chosen.

    Returns:
        The selection, and where the last of its runs end, in order.

    Raises:
        EndedTwiceError: If some runs are chosen, and one has more than one end.
    """
    selection = Selection(choice)
    ((selection.read,),) = cast('list[tuple[int]]', store.rows('SELECT count(*) FROM records'))
    if choice.is_everything:
        store.run('CREATE OR REPLACE VIEW chosen AS FROM records')
        last = f"SELECT pos FROM records WHERE kind = 'run' ORDER BY pos DESC LIMIT {RECENT}"
    else:
        _tell_names(store, selection.known)
        _decide(store, choice)
        _pick(store, choice, selection)
        last = f'SELECT pos FROM decided WHERE is_chosen ORDER BY path DESC LIMIT {RECENT}'
    return selection, [position for (position,) in cast('list[tuple[int]]', store.rows(last)[::-1])]


def _tell_names(store: Store, known: Known) -> None:
    for (agent,) in _texts(store, 'SELECT agent FROM records GROUP BY agent ORDER BY min(pos)'):
        known.agents.add(agent)
    for (labels,) in _texts(
        store, 'SELECT labels FROM records WHERE labels IS NOT NULL GROUP BY labels ORDER BY min(pos)'
    ):
        for label, value in cast('Mapping[str, str]', from_json(labels)).items():
            known.add_label(label, value)
    if known.near is not None:
        alike = 'SELECT run_id FROM records WHERE starts_with(run_id, $near) GROUP BY run_id ORDER BY min(pos)'
        for (run_id,) in _texts(store, alike, near=known.near):
            known.add_run(run_id)


def _texts(store: Store, query: str, **values: object) -> Iterable[tuple[str]]:
    return cast('Iterable[tuple[str]]', store.each(query, **values))


def _takes(store: Store, choice: Choice) -> tuple[str, dict[str, object]]:
    """Whether a run is chosen by itself, as an expression with its parameters."""
    found: list[str] = []
    values: dict[str, object] = {}
    if choice.run is not None:
        found.append('run_id = $run')
        values['run'] = choice.run
    elif not choice.is_nested_too:
        found.append('parent IS NULL')
    if choice.agents:
        found.append('list_contains($agents, agent)')
        values['agents'] = list(choice.agents)
    if choice.labels:
        _fit(store, choice.labels)
        found.append('coalesce(labels IN (FROM fitting), false)')
    for name, moment, comparison in (('since', choice.since_ns, '>='), ('until', choice.until_ns, '<')):
        if moment is not None:
            found.append(f'started_ns {comparison} ${name}')
            values[name] = moment
    if choice.outcomes:
        found.append('list_contains($outcomes, outcome)')
        values['outcomes'] = list(choice.ends())
    return ' AND '.join(found), values


def _fit(store: Store, labels: Mapping[str, Sequence[str]]) -> None:
    """The sets of labels that have the values which are asked for."""
    store.run('CREATE OR REPLACE TABLE fitting (labels VARCHAR)')
    sets = _texts(store, "SELECT DISTINCT labels FROM records WHERE kind = 'run' AND labels IS NOT NULL")
    some: list[str] = []
    for (text,) in sets:
        held = cast('Mapping[str, str]', from_json(text))
        if all(held.get(name) in values for name, values in labels.items()):
            some.append(text)
    store.run('INSERT INTO fitting SELECT unnest($some)', some=some)


def _decide(store: Store, choice: Choice) -> None:
    """Make the table `decided`: of each run where it ends, whether it is chosen, by itself or with its caller.

    A run is part of its caller if that ends later. One that ends after its caller is decided as that was, if it was decided
    by then, which it is when the outermost run ends; else it is decided last, as a run whose caller has no end.
    """
    takes, values = _takes(store, choice)
    store.run(
        f"CREATE OR REPLACE TABLE ends AS SELECT pos, run_id, parent, {takes} AS takes FROM records WHERE kind = 'run'",
        **values,
    )
    if store.rows('SELECT 1 FROM ends GROUP BY run_id HAVING count(*) > 1 LIMIT 1'):
        raise EndedTwiceError
    store.run(f"""
        CREATE OR REPLACE TABLE told AS WITH RECURSIVE told AS (
            SELECT pos, run_id, pos AS told_at, takes AS is_chosen, takes AS is_first, [pos, {_LAST}] AS path
            FROM ends WHERE parent IS NULL
            UNION ALL
            SELECT ends.pos, ends.run_id, CASE WHEN told.pos > ends.pos THEN told_at ELSE ends.pos END,
                is_chosen OR takes, takes AND NOT is_chosen,
                CASE WHEN told.pos > ends.pos THEN {_INSIDE} ELSE [ends.pos, {_LAST}] END
            FROM ends JOIN told ON ends.parent = told.run_id
            WHERE told.pos > ends.pos OR told_at < ends.pos)
        FROM told""")
    takes_too = 'takes' if choice.is_nested_too else 'false'
    store.run(f"""
        CREATE OR REPLACE TABLE decided AS SELECT *, false AS is_last FROM told UNION ALL (
        WITH RECURSIVE late AS (
            SELECT pos, run_id, {_LAST} AS told_at, {takes_too} AS is_chosen, {takes_too} AS is_first,
                [{_LAST - 1}, pos, {_LAST}] AS path, true AS is_last
            FROM ends WHERE pos NOT IN (SELECT pos FROM told) AND NOT EXISTS (
                FROM ends AS caller WHERE caller.run_id = ends.parent AND caller.pos > ends.pos)
            UNION ALL
            SELECT ends.pos, ends.run_id, told_at, is_chosen OR {takes_too}, {takes_too} AND NOT is_chosen,
                {_INSIDE}, true
            FROM ends JOIN late ON ends.parent = late.run_id WHERE late.pos > ends.pos)
        FROM late)""")


def _pick(store: Store, choice: Choice, selection: Selection) -> None:
    too_early = 'false' if choice.since_ns is None else f'started_ns < {choice.since_ns:d}'
    store.run(f"""
        CREATE OR REPLACE TABLE picked AS SELECT pos, is_first FROM decided WHERE is_chosen UNION ALL
        SELECT records.pos, false FROM records JOIN decided USING (run_id)
        WHERE kind <> 'run' AND is_chosen AND decided.pos > records.pos AND NOT {too_early}""")
    store.run("""
        CREATE OR REPLACE VIEW chosen AS SELECT records.* REPLACE (
            CASE WHEN is_first THEN NULL ELSE parent END AS parent,
            CASE WHEN is_first AND parent IS NOT NULL THEN NULL ELSE first_output END AS first_output)
        FROM records JOIN picked USING (pos)""")
    counted = 'SELECT count(*), count(parent) FROM records JOIN picked USING (pos) WHERE is_first'
    ((selection.runs, selection.called),) = cast('list[tuple[int, int]]', store.rows(counted))
    without = 'false' if choice.is_nested_too else 'is_last'
    undecided = f"""
        SELECT count(*) FROM records LEFT JOIN decided ON decided.run_id = records.run_id AND decided.pos > records.pos
        WHERE kind <> 'run' AND NOT {too_early} AND (decided.pos IS NULL OR {without})"""
    ((selection.unfinished,),) = cast('list[tuple[int]]', store.rows(undecided))
