"""Whether queries ask only for metrics and labels that the catalogue has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import find_metric, metric_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FROM_PROMETHEUS = frozenset({'job', 'instance'})
"""Labels that every series of a scrape has."""

_METRIC = re.compile(r'\b(?:pydantic_ai|streamtap)_\w+')
_SELECTOR = re.compile(r'\b((?:pydantic_ai|streamtap)_\w+)\{([^}]*)\}')
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPING = re.compile(r'\bby \(([^)]*)\) \(')


def strangers(board: str, user_labels: tuple[str, ...] = ()) -> list[str]:
    """What the queries of a board ask for in vain.

    Args:
        board: Its JSON.
        user_labels: The user's own labels.
    """
    found: dict[str, None] = {}
    for query in _strings(json.loads(board)):
        found |= dict.fromkeys(strangers_of(query, user_labels))
    return list(found)


def strangers_of(query: str, user_labels: tuple[str, ...] = ()) -> Iterator[str]:
    """What a query asks for in vain.

    Args:
        query: PromQL, or any other text.
        user_labels: The user's own labels.
    """
    unknown = [name for name in _METRIC.findall(query) if find_metric(name) is None]
    if unknown:
        yield from (f'{name} is not in the catalogue' for name in unknown)
        return
    for selector in _SELECTOR.finditer(query):
        yield from _unknown(selector[1], _MATCHER.findall(selector[2]), user_labels)
    for grouping in _GROUPING.finditer(query):
        labels = [label.strip() for label in grouping[1].split(',')]
        for name in _METRIC.findall(_in_parentheses(query[grouping.end() :])):
            yield from _unknown(name, labels, user_labels)


def _unknown(name: str, labels: Iterable[str], user_labels: tuple[str, ...]) -> Iterator[str]:
    metric = metric_of(name)
    known = FROM_PROMETHEUS.union(metric.labels, user_labels if metric.is_about_runs else ())
    if name.endswith('_bucket'):
        known |= {'le'}
    for label in labels:
        if label not in known:
            yield f'{name} has no label {label}'


def _in_parentheses(text: str) -> str:
    depth = 1
    for place, character in enumerate(text):
        depth += {'(': 1, ')': -1}.get(character, 0)
        if not depth:
            return text[:place]
    return text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(each)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(each)  # pyright: ignore[reportUnknownArgumentType]
