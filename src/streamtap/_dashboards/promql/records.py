"""The names of what is recorded for boards, of all processes together: growth of counters and histograms, and gauges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import find_metric, metric_of

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._sinks.metrics.metric import Metric

PROCESSES = 'streamtap_build_info'
"""The gauge that each process has once for each tap, of which the processes are counted."""

_COUNTED = 'count'

_BEFORE_ALL = '10y'
"""How long ago nothing was measured."""


@dataclass(frozen=True)
class Records:
    """All of them, where `recorded_every` is set.

    Args:
        config: How often they are recorded, and what they keep apart.
    """

    config: Config

    @property
    def level(self) -> tuple[str, ...]:
        """The labels of a scrape that are left: boards are filtered by the job."""
        return tuple(dict.fromkeys(('job', *self.config.keep)))

    @property
    def processes(self) -> str:
        """The name of how many processes report."""
        return self._name(PROCESSES, _COUNTED)

    def growth(self, series: str) -> str:
        """The name of by how much series grew.

        Args:
            series: The series' name, with `_bucket`, `_sum` or `_count` for a classic histogram.
        """
        return self._name(series, self._grown)

    def gauge(self, name: str) -> str:
        """The name of what a gauge was at, summed, or the largest where the catalogue merges it so.

        Args:
            name: The gauge's name.
        """
        return self._name(name, _merged(metric_of(name)))

    def labels(self, series: str) -> tuple[str, ...]:
        """The labels by which the record of a series is kept apart.

        Args:
            series: The series' name.

        Raises:
            ValueError: If the catalogue has no such metric.
        """
        metric = metric_of(series)
        own = metric.labels + (self.config.labels if metric.is_about_runs else ())
        return tuple(dict.fromkeys((*self.level, *own, *(('le',) if series.endswith('_bucket') else ()))))

    def series_of(self, record: str) -> str | None:
        """The series that a record is of; none if nothing records such a name.

        Args:
            record: The record's name.
        """
        found = re.fullmatch(rf'{self._level_name}:(\w+):(\w+)', record)
        if found is None or not self.config.recorded_every:
            return None
        series, how = found[1], found[2]
        if (metric := find_metric(series)) is None:
            return None
        recorded = _merged(metric) if metric.type == 'gauge' else self._grown
        return series if how == (_COUNTED if series == PROCESSES else recorded) else None

    def named_in(self, text: str) -> list[str]:
        """The records that a text reads, each once.

        Args:
            text: Queries.
        """
        return sorted(set(re.findall(rf'\b{self._level_name}:\w+:\w+', text)))

    def with_exemplars(self, query: str) -> str:
        """A query of records that also leads to the exemplars of the series themselves, which records do not have.

        Whoever asks for exemplars takes the selectors of a query, wherever it looks: where nothing was, it costs nothing.

        Args:
            query: PromQL.
        """
        found = re.findall(rf'\b{self._level_name}:(\w+):{self._grown}({{[^}}]*}})', query)
        series = dict.fromkeys(f'{name}{matchers}' for name, matchers in found)
        return ' or '.join([f'({query})', *(f'{each} offset {_BEFORE_ALL}' for each in series)]) if series else query

    @property
    def _grown(self) -> str:
        return f'increase{self.config.recorded_every}'

    @property
    def _level_name(self) -> str:
        return '_'.join(self.level)

    def _name(self, series: str, how: str) -> str:
        return f'{self._level_name}:{series}:{how}'


def _merged(gauge: Metric) -> str:
    return 'max' if gauge.merged == 'livemax' else 'sum'
