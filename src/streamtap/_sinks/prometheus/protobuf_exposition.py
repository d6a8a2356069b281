"""Prometheus' exposition by protobuf: the only one with native histograms, and the smallest.

The messages are those of the public definition, `io.prometheus.client.MetricFamily`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from streamtap._sinks.prometheus.histogram_family import HistogramFamily
from streamtap._sinks.prometheus.protobuf_histogram import NativeHistograms
from streamtap._sinks.prometheus.protobuf_values import bucket, count, exemplar, time
from streamtap._sinks.prometheus.protobuf_wire import delimited, double, message, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from prometheus_client import Metric
    from prometheus_client.registry import Collector
    from prometheus_client.samples import Sample

    Labels: TypeAlias = tuple[tuple[str, str], ...]
    Row: TypeAlias = dict[str, list[Sample]]

CONTENT_TYPE = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'

_COUNTER, _GAUGE, _SUMMARY, _UNTYPED, _HISTOGRAM, _GAUGE_HISTOGRAM = range(6)
_TYPES = {
    'counter': _COUNTER,
    'gauge': _GAUGE,
    'info': _GAUGE,
    'stateset': _GAUGE,
    'summary': _SUMMARY,
    'histogram': _HISTOGRAM,
    'gaugehistogram': _GAUGE_HISTOGRAM,
    'unknown': _UNTYPED,
}
_SUFFIX = {'counter': '_total', 'info': '_info'}
"""What the name of a family lacks in prometheus_client."""

_PARTS = {
    'counter': ('_total', '_created'),
    'gauge': ('',),
    'info': ('_info',),
    'stateset': ('',),
    'summary': ('', '_count', '_sum', '_created'),
    'histogram': ('_bucket', '_count', '_sum', '_created'),
    'gaugehistogram': ('_bucket', '_gcount', '_gsum'),
    'unknown': ('',),
}
"""The samples that make one metric of a family, by what follows its name."""

_INSIDE = {'histogram': ('_bucket', 'le'), 'gaugehistogram': ('_bucket', 'le'), 'summary': ('', 'quantile')}
"""The samples of which one metric has many, and the label that tells them apart."""


def exposition(registry: Collector, *, names_as_they_are: bool = False) -> bytes:
    """The metrics of a registry.

    Args:
        registry: The registry.
        names_as_they_are: Whether the scraper takes names beyond letters, digits, underscores and colons; otherwise
            other characters become underscores.
    """
    name: Callable[[str], str] = str if names_as_they_are else _legacy
    pairs = _Pairs(name)
    return b''.join(message for family in registry.collect() for message in _families(family, name, pairs))


class _Pairs(dict['tuple[str, str]', bytes]):
    """The labels of metrics as bytes, each made once for a scrape: most of them stand on many metrics."""

    def __init__(self, name: Callable[[str], str]) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, pair: tuple[str, str]) -> bytes:
        made = self[pair] = message(1, text(1, self._name(pair[0])) + text(2, pair[1]))
        return made

    def of(self, labels: Iterable[tuple[str, str]]) -> bytes:
        return b''.join([self[pair] for pair in labels])


def _families(family: Metric, name: Callable[[str], str], pairs: _Pairs) -> Iterator[bytes]:
    """The messages of a family: one, unless it has samples that its type has no place for."""
    if isinstance(family, HistogramFamily):
        encode = NativeHistograms(family.bounds)
        natives = [
            pairs.of(zip(family.label_names, values, strict=True)) + message(7, encode(reading))
            for values, reading in family.readings()
        ]
        yield _family(family, name(family.name), _HISTOGRAM, natives)
        return
    rows, strays = _rows(family)
    kind = _TYPES[family.type]
    encode_row = _ENCODERS[kind]
    metrics = [pairs.of(labels) + encode_row(row) for labels, row in rows.items()]
    yield _family(family, name(family.name + _SUFFIX.get(family.type, '')), kind, metrics)
    for stray, samples in strays.items():
        metrics = [pairs.of(sample.labels.items()) + _untyped({'': [sample]}) for sample in samples]
        yield _family(family, name(stray), _UNTYPED, metrics)


def _family(family: Metric, name: str, kind: int, metrics: Sequence[bytes]) -> bytes:
    if not metrics:
        return b''
    unit = text(5, family.unit) if family.unit else b''
    head = text(1, name) + text(2, family.documentation) + whole(3, kind)
    return delimited(b''.join([head, *[message(4, metric) for metric in metrics], unit]))


def _rows(family: Metric) -> tuple[dict[Labels, Row], dict[str, list[Sample]]]:
    """The samples of each metric of a family, and those that its type has no place for, by their name."""
    parts = {family.name + part: part for part in _PARTS[family.type]}
    inside, own = _INSIDE.get(family.type, (None, ''))
    rows: dict[Labels, Row] = {}
    strays: dict[str, list[Sample]] = {}
    for sample in family.samples:
        part, labels = parts.get(sample.name), (*sample.labels.items(),)
        if part is not None and part == inside:
            labels = tuple(pair for pair in labels if pair[0] != own)
            part = part if own in sample.labels else None
        if part is None:
            strays.setdefault(sample.name, []).append(sample)
        else:
            rows.setdefault(labels, {}).setdefault(part, []).append(sample)
    return rows, strays


def _counter(row: Row) -> bytes:
    sample = (row.get('_total') or row['_created'])[0]
    shown = b'' if sample.exemplar is None else message(2, exemplar(sample.exemplar))
    return message(3, double(1, _value(row, '_total')) + shown + _created(3, row)) + _timestamp(sample)


def _gauge(row: Row) -> bytes:
    sample = next(iter(row.values()))[0]
    return message(2, double(1, sample.value)) + _timestamp(sample)


def _untyped(row: Row) -> bytes:
    sample = row[''][0]
    return message(5, double(1, sample.value)) + _timestamp(sample)


def _summary(row: Row) -> bytes:
    quantiles = [
        message(3, double(1, float(sample.labels['quantile'])) + double(2, sample.value)) for sample in row.get('', ())
    ]
    head = whole(1, int(_value(row, '_count'))) + double(2, _value(row, '_sum'))
    return message(4, b''.join([head, *quantiles, _created(4, row)])) + _timestamp(next(iter(row.values()))[0])


def _histogram(row: Row) -> bytes:
    prefix = '_g' if '_gcount' in row else '_'
    head = count(1, 4, _value(row, f'{prefix}count')) + double(2, _value(row, f'{prefix}sum'))
    buckets = [bucket(float(sample.labels['le']), sample.value, sample.exemplar) for sample in row.get('_bucket', ())]
    return message(7, b''.join([head, *buckets, _created(15, row)])) + _timestamp(next(iter(row.values()))[0])


_ENCODERS: Mapping[int, Callable[[Row], bytes]] = {
    _COUNTER: _counter,
    _GAUGE: _gauge,
    _SUMMARY: _summary,
    _UNTYPED: _untyped,
    _HISTOGRAM: _histogram,
    _GAUGE_HISTOGRAM: _histogram,
}


def _created(field: int, row: Row) -> bytes:
    return message(field, time(row['_created'][0].value)) if '_created' in row else b''


def _timestamp(sample: Sample) -> bytes:
    return b'' if sample.timestamp is None else whole(6, round(float(sample.timestamp) * 1000))


def _value(row: Row, part: str) -> float:
    samples = row.get(part)
    return samples[0].value if samples else 0.0


def _legacy(name: str) -> str:
    return _NOT_LEGACY.sub('_', name)


_NOT_LEGACY = re.compile(r'\A[^a-zA-Z_:]|[^a-zA-Z0-9_:]')
