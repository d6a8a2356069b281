"""The variables of a board: what its viewers choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.panels import Json, datasource
from generator.promql import bound_pattern, metric_of
from streamtap._sinks.metrics.catalogue import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SOURCES = {
    'agent': 'pydantic_ai_runs_total',
    'provider': 'pydantic_ai_requests_total',
    'model': 'pydantic_ai_requests_total',
    'tool': 'pydantic_ai_tool_calls_total',
}
"""The metric that knows all values of a label."""


def variables(filters: Sequence[str], user_labels: Sequence[str], objectives: Sequence[Json]) -> list[Json]:
    """Data source, where from, what of, what is good enough, and filters of the viewer's own.

    Args:
        filters: Labels of metrics, each chained to those before.
        user_labels: The user's own labels.
        objectives: Choices of `objective()`.
    """
    source: Json = {'type': 'datasource', 'name': 'datasource', 'label': 'Data source', 'query': 'prometheus'}
    found = [{**source, 'refresh': 1, 'regex': '', 'hide': 0, 'multi': False, 'includeAll': False}]
    chain = ['job', 'instance', *filters, *user_labels]
    found += [_labelled(label, chain[:place]) for place, label in enumerate(chain)]
    found += objectives
    return [*found, {'type': 'adhoc', 'name': 'filters', 'label': 'Filters', 'datasource': datasource()}]


def objective(name: str, label: str, histogram: str, choices: Sequence[float], usual: float) -> Json:
    """A choice of what is fast enough; only bounds of buckets can be counted.

    Args:
        name: What queries call it.
        label: What viewers see.
        histogram: The metric that it is counted with.
        choices: Seconds.
        usual: The choice at first.

    Raises:
        ValueError: If a choice is no bound of that metric's buckets.
    """
    bounds = BUCKETS[metric_of(histogram).buckets or '']
    if strangers := [choice for choice in choices if choice not in bounds]:
        raise ValueError(f'{strangers} are no bounds of {histogram}')
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


def _labelled(label: str, chained_to: Sequence[str]) -> Json:
    metric = metric_of(_SOURCES.get(label, 'pydantic_ai_runs_total'))
    known = [name for name in chained_to if name in ('job', 'instance', *metric.labels)]
    matchers = ', '.join(f'{name}=~"${name}"' for name in known)
    series = f'{metric.name}{{{matchers}}}' if matchers else metric.name
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
