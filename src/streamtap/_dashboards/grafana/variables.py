"""The variables of a board: what its viewers choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.panels import Json, datasource
from streamtap._dashboards.grafana.queries import scope
from streamtap._dashboards.promql.pieces import bound_pattern, metric_of
from streamtap._dashboards.promql.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._dashboards.config import Config

_SOURCES = {
    'agent': 'pydantic_ai_runs_total',
    'provider': 'pydantic_ai_requests_total',
    'model': 'pydantic_ai_requests_total',
    'tool': 'pydantic_ai_tool_calls_total',
}
"""The metric that knows all values of a label."""

_CHOICES = frozenset({0.5, 1, 2, 3, 5, 10})
"""The seconds that can be chosen, besides those of the alerts."""


def variables(filters: Sequence[str], config: Config, objectives: Sequence[Json]) -> list[Json]:
    """Data source, where from, what of, what is good enough, and filters of the viewer's own.

    Args:
        filters: Labels of metrics, each chained to those before.
        config: The user's own labels, and the data source to begin with.
        objectives: Choices of `objective()`.
    """
    source: Json = {'type': 'datasource', 'name': 'datasource', 'label': 'Data source', 'query': 'prometheus'}
    if config.datasource:
        source['current'] = _option(config.datasource, config.datasource, selected=True)
    found = [{**source, 'refresh': 1, 'regex': '', 'hide': 0, 'multi': False, 'includeAll': False}]
    chain = [*scope(config), *filters, *config.labels]
    found += [_labelled(label, chain[:place], config) for place, label in enumerate(chain)]
    found += objectives
    return [*found, {'type': 'adhoc', 'name': 'filters', 'label': 'Filters', 'datasource': datasource()}]


def objective(config: Config, name: str, label: str, histogram: str, usual: float) -> Json:
    """A choice of what is fast enough; only bounds of buckets can be counted.

    Args:
        config: Which bounds there are.
        name: What queries call it.
        label: What viewers see.
        histogram: The metric that it is counted with.
        usual: The choice at first, in seconds: a setting of `THRESHOLDS`, which are checked.
    """
    choices = sorted({usual, *_CHOICES.intersection(config.bounds(histogram))})
    options = [_option(f'{bound:g}', bound_pattern(bound), selected=bound == usual) for bound in choices]
    return {
        'type': 'custom',
        'name': name,
        'label': label,
        'query': ', '.join(f'{option["text"]} : {option["value"]}' for option in options),
        'options': options,
        'current': next(option for option in options if option['selected']),
        'multi': False,
        'includeAll': False,
        'hide': 0,
    }


def asked(name: str, expr: str) -> Json:
    """A whole number that the data source is asked for, and that viewers do not see.

    Args:
        name: What queries call it.
        expr: PromQL, with one answer without labels.
    """
    return {
        'type': 'query',
        'name': name,
        'datasource': datasource(),
        'query': {'query': f'query_result({expr})', 'refId': name},
        'refresh': 2,
        'sort': 0,
        'regex': r'/^\{\} (\d+)/',
        'multi': False,
        'includeAll': False,
        'hide': 2,
    }


def _labelled(label: str, chained_to: Sequence[str], config: Config) -> Json:
    metric = metric_of(_SOURCES.get(label, 'pydantic_ai_runs_total'))
    known = [name for name in chained_to if name in (*scope(config), *metric.labels)]
    matchers = ', '.join(f'{name}=~"${name}"' for name in known)
    source = Records(config).growth(metric.name) if config.recorded_every else metric.name
    series = f'{source}{{{matchers}}}' if matchers else source
    query = f'label_values({series}, {label})'
    return {
        'type': 'query',
        'name': label,
        'label': label.capitalize(),
        'datasource': datasource(),
        'query': {'query': query, 'refId': label},
        'refresh': 2,
        'sort': 1,
        'regex': '',
        'multi': True,
        'includeAll': True,
        # Not the names that are known: series that were pushed may have no job.
        'allValue': '.*',
        'current': _option('All', '$__all', selected=True),
        'hide': 0,
    }


def _option(text: str, value: str, *, selected: bool) -> Json:
    return {'text': text, 'value': value, 'selected': selected}
