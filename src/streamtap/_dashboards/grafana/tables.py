"""Tables: one row for each value of some labels, one column for each query."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import NO_TRAFFIC, Json, Query, override, panel, thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap._dashboards.verdicts import Verdict


@dataclass(frozen=True)
class Column:
    """One number of each row.

    Args:
        title: Its head.
        unit: Grafana's id of its unit.
        expr: PromQL, by the labels of the rows.
        verdict: Thresholds and their colours, where it carries one.
        decimals: How many, if not what the unit shows.
    """

    title: str
    unit: str
    expr: str
    verdict: Verdict | None = None
    decimals: int | None = None

    def look(self) -> Json:
        """How Grafana is told to show it."""
        properties: dict[str, object] = {'unit': self.unit, 'noValue': '-'}
        if self.decimals is not None:
            properties['decimals'] = self.decimals
        if self.verdict:
            properties |= {'thresholds': thresholds(self.verdict), 'custom__cellOptions': {'type': 'color-text'}}
        return override(self.title, **properties)


def table(
    title: str,
    about: str,
    rows: Mapping[str, str],
    columns: Sequence[Column],
    *,
    links: Mapping[str, Sequence[Json]],
    sort_by: Sequence[str],
    empty: str = NO_TRAFFIC,
) -> Json:
    """A table, one row for each set of labels.

    Args:
        title: The title.
        about: The question that it answers, and what to do.
        rows: The labels that make a row, with their heads.
        columns: The numbers of a row.
        links: Where the cells of a label lead, by label.
        sort_by: The heads of the columns that it is sorted by, the largest first: what hurts before what is much.
        empty: What it says where there is nothing.
    """
    values = {f'Value #{ascii_uppercase[number]}': column.title for number, column in enumerate(columns)}
    order = [*rows, *values]
    organize: Json = {
        'excludeByName': {'Time': True},
        'indexByName': {name: place for place, name in enumerate(order)},
        'renameByName': {**rows, **values},
    }
    looks = [override(rows[label], links=list(found)) for label, found in links.items()]
    looks += [column.look() for column in columns]
    made = panel(
        'table',
        title,
        about,
        [Query(column.expr, kind='rows') for column in columns],
        defaults={
            'noValue': empty,
            'color': {'mode': 'thresholds'},
            'custom': {'align': 'auto', 'minWidth': 80, 'cellOptions': {'type': 'auto'}},
        },
        options={
            'cellHeight': 'sm',
            'showHeader': True,
            'sortBy': [{'displayName': head, 'desc': True} for head in sort_by],
        },
        overrides=looks,
    )
    return {**made, 'transformations': [{'id': 'merge', 'options': {}}, {'id': 'organize', 'options': organize}]}
