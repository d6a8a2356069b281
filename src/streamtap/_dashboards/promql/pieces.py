"""Pieces of PromQL that can only name what is in the metric catalogue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamtap._sinks.metrics.catalogue import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._sinks.metrics.metric import Metric


def series(name: str, *matchers: str, suffix: str = '') -> str:
    """A selector of a metric.

    Args:
        name: The metric's name in the catalogue.
        matchers: Label matchers, made by `is_one_of`, `is_none_of` or by hand.
        suffix: `_bucket`, `_count` or `_sum` of a histogram.

    Raises:
        ValueError: If the catalogue has no such metric, or the metric no such label.
    """
    metric = metric_of(name)
    allowed = {*metric.labels, *(('le',) if suffix == '_bucket' else ())}
    for matcher in matchers:
        label = re.split(r'[=!]', matcher)[0]
        if label not in allowed:
            raise ValueError(f'{name} has no label {label}')
    return f'{name}{suffix}{{{", ".join(matchers)}}}' if matchers else f'{name}{suffix}'


def is_one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for one of some values."""
    return f'{label}=~"{"|".join(values)}"'


def is_none_of(label: str, values: Iterable[str]) -> str:
    """A matcher for any other value."""
    return f'{label}!~"{"|".join(values)}"'


def at_most(bound: float) -> str:
    """A matcher for the observations of a histogram up to a bound of its buckets, however that is spelt."""
    return f'le=~"{bound_pattern(bound)}"'


def total(labels: Iterable[str], of: str) -> str:
    """The sum of an expression, kept apart by labels."""
    return f'sum by ({", ".join(labels)}) ({of})'


def ratio(above: str, below: str) -> str:
    """One expression over another; nothing where the other is 0."""
    return f'{above}\n  /\n({below} > 0)'


def largest(labels: Iterable[str], of: str) -> str:
    """The maximum of an expression, kept apart by labels."""
    return f'max by ({", ".join(labels)}) ({of})'


def find_metric(name: str) -> Metric | None:
    """The metric of a series, if the catalogue has it.

    Args:
        name: The series' name, with `_bucket`, `_sum` or `_count` for a histogram.
    """
    return BY_NAME.get(name) or BY_NAME.get(re.sub(r'_(bucket|sum|count)\Z', '', name))


def metric_of(name: str) -> Metric:
    """The metric of a series.

    Args:
        name: The series' name.

    Raises:
        ValueError: If the catalogue has no such metric.
    """
    if (metric := find_metric(name)) is None:
        raise ValueError(f'{name} is not in the catalogue')
    return metric


def bound_pattern(bound: float) -> str:
    """What matches `le` of a bucket: a scrape spells 1.0 what OTLP spells 1.

    No backslashes: versions of Grafana differ in how they escape those of a variable's value.

    Args:
        bound: The upper bound of the bucket: of one that counts seconds, as larger ones are spelt with an exponent.
    """
    text = f'{bound:g}'.replace('.', '[.]')
    return text if '.' in text else f'{text}([.]0)?'
