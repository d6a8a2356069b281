"""What a row of the catalogue is: one metric, with its labels, its unit and how it is exported."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

MetricType = Literal['counter', 'histogram', 'gauge']


class Metric(NamedTuple):
    """One metric of the contract.

    Args:
        name: The name in Prometheus.
        type: Counter, histogram or gauge.
        labels: Its labels, without the user's own.
        help: One sentence for the exposition and the docs.
        buckets: The letter of its bucket bounds, for a histogram.
        merged: How a gauge is merged across processes: the sum or the maximum.
        unit: Its unit in OpenTelemetry, unless that is seconds; receivers do not append a unit in braces to the name.
        only: The one way in which it is exported, unless it is both scraped and sent by OTLP.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: str
    buckets: str | None = None
    merged: Literal['livesum', 'livemax'] | None = None
    unit: str = ''
    only: Literal['scrape', 'otlp'] | None = None

    @property
    def otel_name(self) -> str:
        """Its name in OpenTelemetry; receivers append unit and `_total`, which gives the name in Prometheus."""
        return re.sub(r'\A(pydantic_ai|streamtap)_(.*?)(_seconds)?(_total)?\Z', r'\1.\2', self.name)

    @property
    def otel_unit(self) -> str:
        """Its unit in OpenTelemetry."""
        return 's' if self.name.removesuffix('_total').endswith('_seconds') else self.unit

    @property
    def is_about_runs(self) -> bool:
        """Whether it measures agents, and so has the user's own labels, rather than the tap itself."""
        return self.name.startswith('pydantic_ai_')


def counter(name: str, labels: tuple[str, ...], text: str, *, unit: str = '') -> Metric:
    """A counter, as a row of the catalogue."""
    return Metric(name, 'counter', labels, text, unit=unit)


def histogram(
    name: str,
    labels: tuple[str, ...],
    buckets: str,
    text: str,
    *,
    unit: str = '',
    only: Literal['scrape', 'otlp'] | None = None,
) -> Metric:
    """A histogram, as a row of the catalogue; `buckets` is the letter of its bounds."""
    return Metric(name, 'histogram', labels, text, buckets=buckets, unit=unit, only=only)


def gauge(
    name: str, labels: tuple[str, ...], merged: Literal['livesum', 'livemax'], text: str, *, unit: str = ''
) -> Metric:
    """A gauge, as a row of the catalogue."""
    return Metric(name, 'gauge', labels, text, merged=merged, unit=unit)
