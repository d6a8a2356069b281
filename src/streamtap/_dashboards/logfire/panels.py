"""Panels and boards as Logfire imports them: Perses' format with Logfire's own query plugins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

COLUMNS = 24
"""How many columns Logfire's grid has."""


@dataclass(frozen=True)
class Panel:
    """One query and how it is shown.

    Args:
        title: Its title.
        question: What it answers, and what to do with that.
        query: The SQL.
        kind: How it is shown.
        width: Columns of the grid.
        height: Rows of the grid.
        group: The column that tells the lines of a time series apart.
        values: The columns of a time series that are drawn.
        unit: Their unit, as Perses names it.
    """

    title: str
    question: str
    query: str
    kind: Literal['Values', 'Table', 'TimeSeriesChart']
    width: int
    height: int
    group: str = ''
    values: tuple[str, ...] = ()
    unit: str = 'decimal'

    @property
    def key(self) -> str:
        """Its name within the board."""
        return ''.join(word.capitalize() for word in self.title.replace('/', ' ').replace(',', ' ').split())

    def render(self) -> dict[str, object]:
        """The panel as it is imported."""
        shown: dict[str, object] = {}
        query: dict[str, object] = {'query': self.query}
        kind = 'NonTimeSeriesQuery'
        if self.kind == 'TimeSeriesChart':
            kind = 'TimeSeriesQuery'
            shown = {
                'legend': {'position': 'bottom'},
                'yAxis': {'format': {'unit': self.unit}},
                'visual': {'connectNulls': False},
            }
            # Without these two the chart stays empty, whatever the query finds.
            query |= {'groupBy': self.group, 'metrics': list(self.values)}
        plugin = {'kind': f'Logfire{kind}', 'spec': query}
        return {
            'kind': 'Panel',
            'spec': {
                'display': {'name': self.title, 'description': self.question},
                'plugin': {'kind': self.kind, 'spec': shown},
                'queries': [{'kind': kind, 'spec': {'plugin': plugin}}],
            },
        }


def value(title: str, question: str, query: str, *, width: int = 6) -> Panel:
    """A panel of one number."""
    return Panel(title, question, query, 'Values', width, 4)


def table(title: str, question: str, query: str, *, width: int = COLUMNS) -> Panel:
    """A panel of rows."""
    return Panel(title, question, query, 'Table', width, 8)


def lines(
    title: str,
    question: str,
    query: str,
    *,
    values: tuple[str, ...],
    group: str = '',
    unit: str = 'decimal',
    width: int = 12,
) -> Panel:
    """A panel of lines over time; the query's column `x` is the time."""
    return Panel(title, question, query, 'TimeSeriesChart', width, 7, group, values, unit)


@dataclass(frozen=True)
class Group:
    """Panels under one heading.

    Args:
        title: The heading.
        panels: They flow from left to right.
    """

    title: str
    panels: tuple[Panel, ...]

    def render(self) -> dict[str, object]:
        """The group as it is imported."""
        items: list[dict[str, object]] = []
        x = y = below = 0
        for panel in self.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, below
            place = {'x': x, 'y': y, 'width': panel.width, 'height': panel.height}
            items.append({**place, 'content': {'$ref': f'#/spec/panels/{panel.key}'}})
            x, below = x + panel.width, max(below, y + panel.height)
        display = {'title': self.title, 'collapse': {'open': True}}
        return {'kind': 'Grid', 'spec': {'display': display, 'items': items}}


@dataclass(frozen=True)
class LogfireBoard:
    """One dashboard.

    Args:
        name: The name of its file.
        title: Its title.
        question: What it answers.
        groups: Its panels.
    """

    name: str
    title: str
    question: str
    groups: tuple[Group, ...]

    def render(self) -> str:
        """The text of the file."""
        panels = {panel.key: panel.render() for group in self.groups for panel in group.panels}
        board = {
            'kind': 'Dashboard',
            'metadata': {'name': self.name, 'project': 'streamtap', 'version': 0},
            'spec': {
                'display': {'name': self.title, 'description': self.question},
                'panels': panels,
                'layouts': [group.render() for group in self.groups],
                'variables': [],
                'duration': '1h',
                'refreshInterval': '30s',
                'datasources': {},
            },
        }
        return json.dumps(board, indent=2, ensure_ascii=False) + '\n'
