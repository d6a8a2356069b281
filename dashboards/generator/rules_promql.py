"""Pieces of PromQL that can only name what is in the metric catalogue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable


def series(name: str, *matchers: str, suffix: str = '') -> str:
    """A selector of a metric.

    Args:
        name: The metric's name in the catalogue.
        matchers: Label matchers, made by `is_one_of`, `is_none_of` or by hand.
        suffix: `_bucket`, `_count` or `_sum` of a histogram.

    Raises:
        ValueError: If the catalogue has no such metric, or the metric no such label.
    """
    metric = BY_NAME.get(name)
    if metric is None:
        raise ValueError(f'the catalogue has no metric {name}')
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


def at_most(name: str, bound: float) -> str:
    """A matcher for the observations of a histogram up to a bound, as scrapes and as OTLP receivers spell it.

    Args:
        name: The histogram's name in the catalogue.
        bound: One of its bucket bounds.

    Raises:
        ValueError: If it is none of them.
    """
    bounds = BUCKETS[BY_NAME[name].buckets or '']
    if bound not in bounds:
        raise ValueError(f'{bound:g} is no bucket bound of {name}: {", ".join(f"{known:g}" for known in bounds)}')
    text = str(bound).removesuffix('.0')
    return f'le="{text}"' if '.' in text else f'le=~"{text}(\\\\.0)?"'


def total(labels: Iterable[str], of: str) -> str:
    """The sum of an expression, kept apart by labels."""
    return f'sum by ({", ".join(labels)}) ({of})'


def ratio(above: str, below: str) -> str:
    """One expression over another; nothing where the other is 0."""
    return f'{above}\n  /\n({below} > 0)'


def largest(labels: Iterable[str], of: str) -> str:
    """The maximum of an expression, kept apart by labels."""
    return f'max by ({", ".join(labels)}) ({of})'


def seconds(window: str) -> int:
    """How long a window of Prometheus's notation is, such as `90s` or `1d`."""
    number, unit = window[:-1], window[-1]
    return int(number) * {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[unit]
