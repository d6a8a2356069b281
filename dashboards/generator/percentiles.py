"""The ways in which every histogram is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from generator.palette import QUANTILES
from generator.panels import Json, Query, heatmap, timeseries

if TYPE_CHECKING:
    from generator.promql import Promql


@dataclass(frozen=True)
class Distribution:
    """A histogram of the catalogue, as viewers know it.

    Args:
        promql: Queries of the board.
        metric: Its name.
        title: What it is called.
        about: The question that it answers, and what to do.
        unit: Grafana's id of the unit.
    """

    promql: Promql
    metric: str
    title: str
    about: str
    unit: str = 's'

    def percentiles(self, *matchers: str) -> Json:
        """Median, 95th and 99th percentile, each with exemplars.

        Args:
            matchers: Which observations.
        """
        queries = [
            Query(self.promql.quantile(q, self.metric, *matchers), name, 'with exemplars')
            for name, q in (('p50', 0.5), ('p95', 0.95), ('p99', 0.99))
        ]
        return timeseries(self.title, self.about, self.unit, queries, colours=QUANTILES)

    def cells(self, *matchers: str) -> Json:
        """All of it, as a heatmap."""
        buckets = self.promql.rate(f'{self.metric}_bucket', *matchers, by='le')
        about = f'{self.about} Two bands mean two kinds of work behind one percentile.'
        return heatmap(f'{self.title}, all of it', about, self.unit, buckets)

    def by(self, q: float, label: str, *matchers: str) -> Json:
        """One percentile for each value of a label.

        Args:
            q: The quantile.
            label: The label.
            matchers: Which observations.
        """
        expr = self.promql.quantile(q, self.metric, *matchers, by=label)
        title = f'{self.title}, p{q * 100:g} by {label}'
        return timeseries(title, self.about, self.unit, [Query(expr, f'{{{{{label}}}}}', 'with exemplars')])
