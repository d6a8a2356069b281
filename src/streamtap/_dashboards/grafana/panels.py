"""Panels of Grafana: each function makes one, without its place."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from streamtap._dashboards.grafana.queries import NOTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap._dashboards.verdicts import Verdict

Json = dict[str, object]

NO_TRAFFIC = 'No traffic'
NO_TAP = 'No tap reports'

SPANNED = 60 * 60 * 1000
"""Milliseconds without a value over which a line is drawn all the same: a few runs an hour are one line."""

_AXIS_REACHES = MappingProxyType({'none': 1, 'suffix:/min': 1, 'percentunit': 0.1})
"""How far an axis goes at least, by unit: a line at 0 would be drawn on one up to 100."""


def datasource() -> Json:
    """The data source that the board's variable names."""
    return {'type': 'prometheus', 'uid': '${datasource}'}


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    Args:
        expr: PromQL.
        legend: How its series are called; `{{label}}` stands for a label's value.
        kind: Whether it asks for the course of the time range, also with exemplars, or for what is at its end: one number
            or rows of a table.
    """

    expr: str
    legend: str = ''
    kind: Literal['course', 'with exemplars', 'buckets', 'number', 'rows'] = 'course'

    def target(self, number: int) -> Json:
        """What Grafana calls it.

        Args:
            number: Its place among the panel's queries.
        """
        target: Json = {
            'datasource': datasource(),
            'editorMode': 'code',
            'expr': self.expr,
            'refId': ascii_uppercase[number],
        }
        if self.kind in ('number', 'rows'):
            shape = 'table' if self.kind == 'rows' else 'time_series'
            named: Json = {'legendFormat': self.legend} if self.legend else {}
            return {**target, **named, 'format': shape, 'instant': True, 'range': False}
        target |= {'legendFormat': self.legend, 'instant': False, 'range': True}
        target['exemplar'] = self.kind != 'course'
        target['format'] = 'heatmap' if self.kind == 'buckets' else 'time_series'
        return target


def panel(
    kind: str,
    title: str,
    about: str,
    queries: Sequence[Query],
    *,
    defaults: Json,
    options: Json,
    overrides: Sequence[Json] = (),
) -> Json:
    """A panel of any kind.

    Args:
        kind: Grafana's id of it.
        title: The title.
        about: The question that it answers, and what to do.
        queries: What it shows.
        defaults: How its fields look.
        options: How it looks itself.
        overrides: How some of its fields look.
    """
    return {
        'type': kind,
        'title': title,
        'description': about,
        'datasource': datasource(),
        'targets': [query.target(number) for number, query in enumerate(queries)],
        'fieldConfig': {'defaults': defaults, 'overrides': list(overrides)},
        'options': options,
    }


def override(name: str, **properties: object) -> Json:
    """How the field of that name looks.

    Args:
        name: What it is called on the panel.
        properties: Grafana's ids, with `__` for a dot.
    """
    return {
        'matcher': {'id': 'byName', 'options': name},
        'properties': [{'id': key.replace('__', '.'), 'value': value} for key, value in properties.items()],
    }


NO_NAMES: Json = {
    'matcher': {'id': 'byRegexp', 'options': '/^none\\b/'},
    'properties': [{'id': 'color', 'value': {'mode': 'fixed', 'fixedColor': 'text'}}],
}
"""What stands for no errors at all is no agent or model, and has the colour of none."""


def thresholds(verdict: Verdict) -> Json:
    """A verdict as Grafana has it."""
    return {'mode': 'absolute', 'steps': [{'value': value, 'color': colour} for value, colour in verdict]}


def stat(
    title: str,
    about: str,
    unit: str,
    expr: str | Mapping[str, str],
    *,
    verdict: Verdict | None = None,
    none: str = 'None',
    decimals: int | None = None,
    leads_to: Json | None = None,
) -> Json:
    """One number, of the whole time range, or some beside each other.

    Args:
        title: The title.
        about: The question that it answers, and what to do.
        unit: Grafana's id of the unit.
        expr: PromQL, whose answer is `NOTHING` where taps report but there is none; of several by their names.
        verdict: Thresholds and their colours; without them it has no colour.
        none: What it says where there is none; where no tap reports it says so.
        decimals: How many, if not what the unit shows.
        leads_to: Where a click on the number leads.
    """
    exprs = {'': expr} if isinstance(expr, str) else expr
    colour: Json = {'mode': 'thresholds'} if verdict else {'mode': 'fixed', 'fixedColor': 'text'}
    said: Json = {str(NOTHING): {'text': none, 'color': 'text', 'index': 0}}
    defaults: Json = {
        'unit': unit,
        'noValue': NO_TAP,
        'color': colour,
        'mappings': [{'type': 'value', 'options': said}],
    }
    defaults['thresholds'] = thresholds(verdict or ((None, 'text'),))
    if decimals is not None:
        defaults['decimals'] = decimals
    if leads_to is not None:
        defaults['links'] = [leads_to]
    options: Json = {
        'colorMode': 'value',
        'graphMode': 'none',
        'justifyMode': 'auto',
        'orientation': 'auto',
        'reduceOptions': {'calcs': ['lastNotNull'], 'fields': '', 'values': False},
        'textMode': 'value' if len(exprs) == 1 else 'value_and_name',
    }
    queries = [Query(each, name, 'number') for name, each in exprs.items()]
    return panel('stat', title, about, queries, defaults=defaults, options=options)


def timeseries(
    title: str,
    about: str,
    unit: str,
    queries: Sequence[Query],
    *,
    colours: Mapping[str, str] | None = None,
    stacking: Literal['none', 'normal', 'percent'] = 'none',
    empty: str = NO_TRAFFIC,
) -> Json:
    """Lines over time, or areas where they lie on each other.

    Args:
        title: The title.
        about: The question that it answers, and what to do.
        unit: Grafana's id of the unit.
        queries: What it shows.
        colours: The colour of each series that has a meaning of its own, by legend.
        stacking: How series lie on each other.
        empty: What it says where there is nothing.
    """
    custom: Json = {
        'drawStyle': 'line',
        # Areas have no lines: that of the topmost series would hide a lone failure below it.
        'fillOpacity': 0 if stacking == 'none' else 80,
        'lineInterpolation': 'linear',
        'lineWidth': 2 if stacking == 'none' else 0,
        # A run now and then is a point between nothings, which `auto` does not draw.
        'showPoints': 'always' if stacking == 'none' else 'never',
        'pointSize': 4,
        'spanNulls': SPANNED if stacking == 'none' else False,
        'stacking': {'mode': stacking, 'group': 'A'},
    }
    if unit in _AXIS_REACHES:
        custom['axisSoftMax'] = _AXIS_REACHES[unit]
    defaults: Json = {
        'unit': unit,
        'min': 0,
        'noValue': empty,
        'color': {'mode': 'palette-classic-by-name'},
        'custom': custom,
    }
    options: Json = {
        'legend': {'calcs': [], 'displayMode': 'list', 'placement': 'bottom', 'showLegend': True},
        'tooltip': {'mode': 'multi', 'sort': 'desc'},
    }
    overrides = [
        *(override(name, color={'mode': 'fixed', 'fixedColor': colour}) for name, colour in (colours or {}).items()),
        NO_NAMES,
    ]
    return panel('timeseries', title, about, queries, defaults=defaults, options=options, overrides=overrides)


def heatmap(title: str, about: str, unit: str, expr: str, *, empty: str = NO_TRAFFIC) -> Json:
    """A distribution over time: a column a moment, a cell a bucket.

    Args:
        title: The title.
        about: The question that it answers, and what to do.
        unit: Grafana's id of the unit of the buckets.
        expr: PromQL that keeps `le`.
        empty: What it says where there is nothing.
    """
    options: Json = {
        'calculate': False,
        'cellGap': 1,
        'color': {'mode': 'scheme', 'scheme': 'Oranges', 'scale': 'exponential', 'exponent': 0.5, 'steps': 64},
        'exemplars': {'color': 'rgba(255,0,255,0.7)'},
        'filterValues': {'le': 1e-9},
        'legend': {'show': False},
        'rowsFrame': {'layout': 'auto'},
        'tooltip': {'mode': 'single', 'yHistogram': False},
        'yAxis': {'axisPlacement': 'left', 'reverse': False, 'unit': unit},
    }
    defaults: Json = {'unit': unit, 'noValue': empty, 'custom': {'scaleDistribution': {'type': 'linear'}}}
    queries = [Query(expr, '{{le}}', 'buckets')]
    return {**panel('heatmap', title, about, queries, defaults=defaults, options=options), 'maxDataPoints': 60}
