"""The ways in which every histogram is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.palette import QUANTILES
from streamtap._dashboards.grafana.panels import Json, Query, heatmap, timeseries

if TYPE_CHECKING:
    from streamtap._dashboards.grafana.queries import Promql


SLOW = (50, 95, 99)
LOW = (50, 5, 1)


@dataclass(frozen=True)
class Distribution:
    """A histogram of the catalogue, as viewers know it.

    Args:
        promql: Queries of the board.
        metric: Its name.
        title: What it is called.
        about: The question that it answers, and what to do.
        unit: Grafana's id of the unit.
        quantiles: The percentiles that matter: the large ones, or, of a speed, the small ones.
        only: Matchers of what is meant, if not all.
    """

    promql: Promql
    metric: str
    title: str
    about: str
    unit: str = 's'
    quantiles: tuple[int, ...] = SLOW
    only: tuple[str, ...] = ()

    def percentiles(self) -> Json:
        """The percentiles that matter, each with exemplars."""
        queries = [
            Query(self.promql.quantile(percent / 100, self.metric, *self.only), f'p{percent}', 'with exemplars')
            for percent in self.quantiles
        ]
        return timeseries(self.title, self.about, self.unit, queries, colours=QUANTILES)

    def cells(self) -> Json:
        """All of it, as a heatmap."""
        about = f'{self.about} Two bands mean two kinds of work behind one percentile.'
        return heatmap(f'{self.title}: all', about, self.unit, self.promql.cells(self.metric, *self.only))

    def by(self, percent: int, label: str) -> Json:
        """One percentile for each value of a label.

        Args:
            percent: The percentile.
            label: The label.
        """
        expr = self.promql.quantile(percent / 100, self.metric, *self.only, by=label)
        queries = [Query(expr, f'{{{{{label}}}}}', 'with exemplars')]
        return timeseries(f'{self.title}: p{percent} by {label}', self.about, self.unit, queries)
