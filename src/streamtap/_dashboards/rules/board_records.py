"""The rules that record what boards over many processes read: each series' growth since the record before, summed, and gauges.

What one record counted last is what the next begins with, so that their sum over a range is the growth over it: also
where a scrape is missed, or where scrapes and records do not come at the same pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.grafana.boards import grafana_files
from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.promql.pieces import largest, metric_of, total
from streamtap._dashboards.promql.records import PROCESSES, Records
from streamtap._dashboards.rules.names import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._dashboards.config import Config

_SCRAPED_WITHIN = 10
"""Seconds within which a scrape has brought its samples, which carry the time of its beginning: Prometheus' own timeout."""

_MISSED = 300
"""Seconds for which scrapes may fail, at least, without anything being lost."""

_AWAY = '1h'
"""For how long they may fail until what comes again counts as new, as on boards that read the series themselves."""


@dataclass(frozen=True)
class BoardRecords:
    """All of them.

    Args:
        config: How often they are recorded, and how often there are scrapes.
    """

    config: Config

    def groups(self) -> dict[str, tuple[Recording, ...]]:
        """The rules by group; none if boards read the series themselves.

        Raises:
            ValueError: If a board reads what nothing records.
        """
        if not self.config.recorded_every:
            return {}
        records = Records(self.config)
        groups: dict[str, list[Recording]] = {}
        for record in records.named_in('\n'.join(grafana_files(self.config).values())):
            if (series := records.series_of(record)) is None:
                raise ValueError(f'{record} is not recorded for boards')
            rule = Recording(record, self._expression(series, records.labels(series)))
            groups.setdefault(f'streamtap-boards-{_subject(series)}', []).append(rule)
        return {name: tuple(rules) for name, rules in groups.items()}

    def _expression(self, series: str, labels: Sequence[str]) -> str:
        metric = metric_of(series)
        if series == PROCESSES:
            return f'count by ({", ".join(labels)}) ({series})'
        if metric.type == 'gauge':
            # The largest in the meantime, but the sum at one moment.
            is_largest = metric.merged == 'livemax'
            return largest(labels, f'max_over_time({series}[{self._every}s])') if is_largest else total(labels, series)
        is_native = metric.type == 'histogram' and metric.name == series
        return total(labels, f'\n{self._native_growth(series) if is_native else self._growth(series)}\n')

    def _growth(self, series: str) -> str:
        return (
            f'{self._with_resets(series)}\n'
            f'or {self._now(series)} - {self._before(series)} >= 0\n'
            f'or {self._now(series)} unless {self._came_back()}'
        )

    def _native_growth(self, series: str) -> str:
        now, before = self._now(series), self._before(series)
        return (
            f'{self._with_resets(series)}\n'
            f'or ({now} - {before} unless histogram_count({now}) < histogram_count({before}))\n'
            f'or {now} unless {self._came_back()}'
        )

    def _with_resets(self, series: str) -> str:
        """That of series with resets, from the last sample before the window on; `increase()` guesses what is beyond."""
        every, longer = self._every, self._every + self.config.scrape_seconds
        seen = f'{series}[{longer}s] offset {self._late}s'
        return f'increase({seen}) * {every} / {longer} and resets({seen}) > 0'

    def _now(self, series: str) -> str:
        return f'last_over_time({series}[{self._every}s] offset {self._late}s)'

    def _before(self, series: str) -> str:
        return f'last_over_time({series}[{self._missed}s] offset {self._began}s)'

    def _came_back(self) -> str:
        """The processes that are not new, although no scrape brought anything of them for some time."""
        known = f'present_over_time({PROCESSES}[{_AWAY}:{self._missed}s] offset {self._began}s)'
        seen = f'present_over_time({PROCESSES}[{self._missed}s] offset {self._began}s)'
        return f'on (job, instance) ({known} unless {seen})'

    @property
    def _every(self) -> int:
        return seconds(self.config.recorded_every)

    @property
    def _late(self) -> int:
        return min(_SCRAPED_WITHIN, self.config.scrape_seconds)

    @property
    def _began(self) -> int:
        return self._every + self._late

    @property
    def _missed(self) -> int:
        return max(_MISSED, 4 * self.config.scrape_seconds)


def _subject(series: str) -> str:
    metric = metric_of(series)
    if metric.type == 'gauge':
        return 'gauges'
    if not metric.is_about_runs:
        return 'self'
    subject = 'tools' if 'tool' in metric.labels else 'requests' if 'model' in metric.labels else 'runs'
    return f'{subject}-histograms' if metric.type == 'histogram' else subject
