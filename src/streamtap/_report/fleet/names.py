"""Names as a report shows them: cleaned, and folded into `_other` past as many as it has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from streamtap._sinks.label_cap import OTHER, LabelCap
from streamtap._sinks.usage.ledger import MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streamtap._report.fleet.store import Store

_NAMED = {'agent': 'true', 'model': "kind = 'response'", 'provider': "kind = 'response'", 'tool': "kind = 'tool'"}
"""The columns that are names, and of which records they are shown."""

_AT_ONCE = 10_000


def name_all(store: Store) -> None:
    """Make the view `named`: the chosen records with names as they are shown; and `labelled`, the labels of each set of them.

    As in a single pass, the first names have room.
    """
    _label_sets(store)
    cap = LabelCap(MAX_GROUPS, lambda _: None)
    store.run('CREATE TABLE renamed (label VARCHAR, name VARCHAR, shown VARCHAR)')
    firsts = [
        f"SELECT '{name}' AS label, {name} AS name, 2 * min(pos) AS first FROM chosen WHERE {of} GROUP BY ALL"
        for name, of in _NAMED.items()
    ]
    firsts.append("SELECT 'tool', results_of, 2 * min(pos) + 1 FROM chosen WHERE results_of IS NOT NULL GROUP BY ALL")
    labels = 'SELECT label, value AS name, 2 * min(first) + 1 AS first FROM label_sets JOIN entries USING (labels) GROUP BY ALL'
    query = f'SELECT label, name FROM ({" UNION ALL ".join([*firsts, labels])}) GROUP BY ALL ORDER BY min(first)'
    found = ((label, name, cap(label, name)) for label, name in cast('Iterable[tuple[str, str]]', store.each(query)))
    _put(store, 'renamed', (each for each in found if each[1] != each[2]))
    (renamed,) = store.rows('SELECT list(DISTINCT label) FROM renamed')[0]
    known = cast('Sequence[str]', renamed or ())
    columns = {**dict(zip(_NAMED, _NAMED, strict=True)), 'results_of': 'tool'}
    replaced = ', '.join(_shown(column, name) for column, name in columns.items() if name in known)
    store.run(f'CREATE VIEW named AS SELECT *{replaced and f" REPLACE ({replaced})"} FROM chosen')
    store.run(
        'CREATE TABLE labelled AS SELECT labels, entries.label, coalesce(shown, value) AS value FROM entries '
        'LEFT JOIN renamed ON renamed.label = entries.label AND renamed.name = value'
    )


def _shown(column: str, name: str) -> str:
    """A column with its names as they are shown."""
    found = f"SELECT shown FROM renamed WHERE renamed.label = '{name}' AND renamed.name = chosen.{column}"
    return f'coalesce(({found}), {column}) AS {column}'


def folded(store: Store, source: str, keys: Sequence[str]) -> str:
    """What has groups, with those that there is no room for as `_other`.

    Args:
        store: Where it is.
        source: A table, with the columns that its groups have, and `pos`.
        keys: These columns.
    """
    named = ', '.join(keys)
    ranked = f'SELECT {named}, row_number() OVER (ORDER BY min(pos), {named}) AS rank FROM {source} GROUP BY {named}'
    if cast('int', store.rows(f'SELECT count(*) FROM ({ranked})')[0][0]) <= MAX_GROUPS:
        return source
    shown = ', '.join(f"CASE WHEN rank <= {MAX_GROUPS} THEN {key} ELSE '{OTHER}' END AS {key}" for key in keys)
    return f'(SELECT * EXCLUDE (rank) REPLACE ({shown}) FROM {source} JOIN ({ranked}) USING ({named}))'


def _label_sets(store: Store) -> None:
    """The labels of records, taken apart once for all that have the same."""
    store.run(
        'CREATE TABLE label_sets AS SELECT labels, min(pos) AS first FROM chosen '
        "WHERE labels IS NOT NULL AND kind <> 'tool' GROUP BY labels"
    )
    store.run('CREATE TABLE entries (labels VARCHAR, label VARCHAR, value VARCHAR)')
    sets = cast('Iterable[tuple[str]]', store.each('SELECT labels FROM label_sets'))
    _put(
        store,
        'entries',
        (
            (text, label, value)
            for (text,) in sets
            for label, value in cast('Mapping[str, str]', from_json(text)).items()
        ),
    )


def _put(store: Store, table: str, rows: Iterable[tuple[str, str, str]]) -> None:
    """Add rows of three texts to a table."""
    some: list[tuple[str, str, str]] = []

    def put() -> None:
        if some:
            columns = dict(zip('abc', map(list, zip(*some, strict=True)), strict=True))
            store.run(f'INSERT INTO {table} SELECT unnest($a), unnest($b), unnest($c)', **columns)
            some.clear()

    for row in rows:
        some.append(row)
        if len(some) >= _AT_ONCE:
            put()
    put()
