"""Whether queries ask only for metrics and labels that the catalogue has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import find_metric, metric_of
from streamtap._dashboards.promql.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streamtap._dashboards.config import Config

FROM_PROMETHEUS = frozenset({'job', 'instance'})
"""Labels that every series of a scrape has."""

_METRIC = re.compile(r'\b(?:\w+:)?(?:pydantic_ai|streamtap)_\w+(?::\w+)?')
_SELECTOR = re.compile(rf'({_METRIC.pattern})\{{([^}}]*)\}}')
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPING = re.compile(r'\bby \(([^)]*)\) \(')


def strangers(board: str, config: Config) -> list[str]:
    """What the queries of a board ask for in vain.

    Args:
        board: Its JSON.
        config: The user's own labels, and what is recorded.
    """
    found: dict[str, None] = {}
    for query in _strings(json.loads(board)):
        found |= dict.fromkeys(strangers_of(query, config))
    return list(found)


def strangers_of(query: str, config: Config) -> Iterator[str]:
    """What a query asks for in vain.

    Args:
        query: PromQL, or any other text.
        config: The user's own labels, and what is recorded.
    """
    unknown = [said for name in _METRIC.findall(query) for said in _no_such(name, config)]
    if unknown:
        yield from unknown
        return
    for selector in _SELECTOR.finditer(query):
        yield from _unknown(selector[1], _MATCHER.findall(selector[2]), config)
    for grouping in _GROUPING.finditer(query):
        labels = [label.strip() for label in grouping[1].split(',')]
        for name in _METRIC.findall(_in_parentheses(query[grouping.end() :])):
            yield from _unknown(name, labels, config)


def _no_such(name: str, config: Config) -> Iterator[str]:
    if ':' in name:
        if Records(config).series_of(name) is None:
            yield f'{name} is not recorded for boards'
    elif find_metric(name) is None:
        yield f'{name} is not in the catalogue'


def _unknown(name: str, labels: Iterable[str], config: Config) -> Iterator[str]:
    records = Records(config)
    series = records.series_of(name)
    known = FROM_PROMETHEUS | _own(name, config) if series is None else set(records.labels(series))
    for label in labels:
        if label not in known:
            yield f'{name} has no label {label}'


def _own(name: str, config: Config) -> set[str]:
    metric = metric_of(name)
    return {
        *metric.labels,
        *(config.labels if metric.is_about_runs else ()),
        *(('le',) if name.endswith('_bucket') else ()),
    }


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
