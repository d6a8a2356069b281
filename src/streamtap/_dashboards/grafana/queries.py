"""PromQL over the metric catalogue, filtered by the variables of a board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.promql.growth import grown, grown_histogram, recorded_growth
from streamtap._dashboards.promql.pieces import is_none_of, is_one_of, metric_of
from streamtap._dashboards.promql.records import PROCESSES, Records
from streamtap._dashboards.verdicts import Verdicts
from streamtap._records.failed import FAILED_REQUESTS

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.promql.growth import Window

RATE = '$__rate_interval'
RANGE = '$__range'
"""Windows: about a point of the panel, and the whole time range of the board."""

SECONDS = '($__rate_interval_ms / 1000)'
"""How long the window about a point is, in seconds."""

HOURS = '($__range_s / 3600)'
"""How long the time range is, in hours."""

NOTHING = -1
"""What a tile is told where taps report, but nothing of its kind ended."""

OUTERMOST = 'nested="false"'
"""Runs that no other run called: those that users wait for."""

NESTED = 'nested="true"'
"""Runs that another run called."""

FAILED_REQUEST = f'outcome=~"{"|".join(FAILED_REQUESTS)}"'
"""Requests that failed."""


@dataclass(frozen=True)
class Promql:
    """Queries of one board.

    Args:
        filters: The variables of the board that are labels of metrics: each selector matches those its metric has.
        config: What is a failure, the user's own labels, and which histograms the server can be asked for.
    """

    filters: tuple[str, ...]
    config: Config = CONFIG

    @property
    def verdicts(self) -> Verdicts:
        """What is good and what is bad."""
        return Verdicts(self.config)

    @property
    def failed_run(self) -> str:
        """A matcher of runs that failed, as in the alerts."""
        return is_one_of('outcome', self.config.bad_run_outcomes)

    @property
    def counted_run(self) -> str:
        """A matcher of runs of which it is known whether they failed."""
        return is_none_of('outcome', self.config.uncounted_run_outcomes)

    @property
    def failed_call(self) -> str:
        """A matcher of tool calls that failed."""
        return is_one_of('outcome', self.config.bad_tool_outcomes)

    def select(self, name: str, *matchers: str) -> str:
        """The series of a metric that the board's variables leave.

        Args:
            name: The series' name, with `_bucket`, `_sum` or `_count` for a histogram.
            matchers: Further ones.

        Raises:
            ValueError: If the catalogue has no such metric.
        """
        return f'{name}{self._matchers(name, *matchers)}'

    def processes(self, *matchers: str) -> str:
        """What there is one of for each process that reports, or where growth is recorded for each kind of them."""
        name = Records(self.config).processes if self.config.recorded_every else PROCESSES
        return f'{name}{self._matchers(PROCESSES, *matchers)}'

    def count(self, name: str, *matchers: str, by: str = '', over: str | Window = RANGE) -> str:
        """By how much counters grew within a window, what new series started with included, summed by labels."""
        grew = self._recorded(name, *matchers, over=over) or grown(self.select(name, *matchers), over)
        return f'{_sum(by)} ({grew})'

    def about(self, name: str, *matchers: str, by: str = '') -> str:
        """By how much counters grew about each point, summed by labels."""
        return self.count(name, *matchers, by=by, over=RATE)

    def rate(self, name: str, *matchers: str, by: str = '', per: int = 1) -> str:
        """How fast counters grow about each point, summed by labels.

        Args:
            name: The series' name.
            matchers: Further ones.
            by: The labels.
            per: For how many seconds it is told: 60 for a minute, 3600 for an hour.
        """
        factor = f' * {per}' if per > 1 else ''
        return f'{self.about(name, *matchers, by=by)} / {SECONDS}{factor}'

    def gauge(self, name: str, *matchers: str, by: str = '') -> str:
        """The sum of gauges, or their maximum where the catalogue merges them so."""
        aggregate = 'max' if metric_of(name).merged == 'livemax' else 'sum'
        return f'{aggregate}{_by(by)} ({self._gauges(name, *matchers)})'

    def quantile(self, q: float, name: str, *matchers: str, by: str = '', over: str | Window = RATE) -> str:
        """A quantile of a histogram, named without `_bucket`; nothing where nothing was observed."""
        native = f'histogram_quantile({q}, {self._native(name, *matchers, by=by, over=over)})'
        classic = f'histogram_quantile({q}, {self._buckets(name, *matchers, by=by, over=over)})'
        return f'{self._either(native, classic)} >= 0'

    def total(self, name: str, *matchers: str, by: str = '', over: str | Window = RANGE) -> str:
        """The sum of what a histogram observed, by labels."""
        native = f'histogram_sum({self._native(name, *matchers, by=by, over=over)})'
        return self._either(native, self.count(f'{name}_sum', *matchers, by=by, over=over))

    def observed(self, name: str, *matchers: str, by: str = '', over: str | Window = RANGE) -> str:
        """How many values a histogram observed, by labels."""
        native = f'histogram_count({self._native(name, *matchers, by=by, over=over)})'
        return self._either(native, self.count(f'{name}_count', *matchers, by=by, over=over))

    def mean(self, name: str, *matchers: str, by: str = '', over: str | Window = RANGE) -> str:
        """The mean of a histogram."""
        total = self.total(name, *matchers, by=by, over=over)
        return ratio(total, self.observed(name, *matchers, by=by, over=over))

    def at_most(self, choice: str, name: str, *matchers: str, over: str | Window = RANGE) -> str:
        """How many observations of a histogram were at most what viewers chose, which is a bound of its classic buckets.

        Args:
            choice: The variable: its text is the number, and its value matches `le`.
            name: The histogram.
            matchers: Further ones.
            over: The window.
        """
        seen = self._native(name, *matchers, over=over)
        native = f'histogram_fraction(0, ${{{choice}:text}}, {seen}) * histogram_count({seen})'
        return self._either(native, self.count(f'{name}_bucket', f'le=~"${choice}"', *matchers, over=over))

    def cells(self, name: str, *matchers: str) -> str:
        """What a heatmap shows of a histogram."""
        return self._either(self._native(name, *matchers), self._buckets(name, *matchers), 'or on ()')

    def _either(self, native: str, classic: str, operator: str = 'or') -> str:
        return classic if self.config.histograms == 'classic' else f'({native} {operator} {classic})'

    def _native(self, name: str, *matchers: str, by: str = '', over: str | Window = RATE) -> str:
        grew = self._recorded(name, *matchers, over=over) or grown_histogram(self.select(name, *matchers), over)
        return f'{_sum(by)} ({grew})'

    def _gauges(self, name: str, *matchers: str) -> str:
        recorded = Records(self.config).gauge(name) if self.config.recorded_every else name
        return f'{recorded}{self._matchers(name, *matchers)}'

    def _recorded(self, name: str, *matchers: str, over: str | Window) -> str:
        """The growth of a series from records; nothing where there are none."""
        if not self.config.recorded_every:
            return ''
        return recorded_growth(f'{Records(self.config).growth(name)}{self._matchers(name, *matchers)}', over)

    def _matchers(self, name: str, *matchers: str) -> str:
        metric = metric_of(name)
        labels = metric.labels + (self.config.labels if metric.is_about_runs else ())
        filters = [*scope(self.config), *(each for each in (*self.filters, *self.config.labels) if each in labels)]
        chosen = [f'{each}=~"${each}"' for each in filters]
        return f'{{{", ".join([*chosen, *matchers])}}}'

    def _buckets(self, name: str, *matchers: str, by: str = '', over: str | Window = RATE) -> str:
        return self.count(f'{name}_bucket', *matchers, by=f'le, {by}' if by else 'le', over=over)

    def seen(self, expr: str, counter: str, label: str) -> str:
        """The series of a label's values that a counter has counted in the time range of the board."""
        return f'{expr} and on ({label}) ({self.count(counter, by=label)} > 0)'

    def largest(self, gauge: str, by: str) -> str:
        """The largest value of a gauge around each point, by labels."""
        return f'max by ({by}) (max_over_time({self._gauges(gauge)}[{RATE}]))'

    def present(self, gauge: str, by: str) -> str:
        """The sums of a gauge by labels that were above 0 in the time range of the board."""
        above = f'sum by ({by}) (max_over_time({self._gauges(gauge)}[{RANGE}])) > 0'
        return f'{self.gauge(gauge, by=by)} and on ({by}) ({above})'

    def or_zero(self, expr: str) -> str:
        """A sum, or 0 where it has nothing although taps report: no news, and not no data."""
        return f'{expr} or on () (0 * group({self.processes()}))'

    def or_nothing(self, expr: str) -> str:
        """A number of a tile, or what stands for nothing of its kind where taps reported in the time range."""
        reported = f'group(last_over_time({self.processes()}[{RANGE}]))'
        return f'({expr}) or on () ({NOTHING} * {reported})'

    def or_none(self, expr: str, label: str) -> str:
        """Series by labels, or one at 0 that is called none, where there are none although taps report."""
        zero = f'0 * group({self.processes()})'
        return f'{expr} or on () label_replace({zero}, "{label}", "none", "", "")'


def scope(config: Config) -> tuple[str, ...]:
    """The labels of a scrape by which every board is filtered: records are of all instances together.

    Args:
        config: Whether boards read records.
    """
    return ('job',) if config.recorded_every else ('job', 'instance')


def ratio(part: str, whole: str, *, matching: str = '') -> str:
    """A part of a whole; nothing where the whole is 0.

    Args:
        part: The numerator.
        whole: The denominator.
        matching: How PromQL pairs the two, if not by equal labels.
    """
    return f'{part} / {matching + " " if matching else ""}({whole} > 0)'


def less(whole: str, part: str) -> str:
    """What is left of a sum without a part, which may be absent.

    Args:
        whole: The sum.
        part: The part.
    """
    return f'{whole} - ({part} or 0 * {whole})'


def _sum(by: str) -> str:
    return f'sum{_by(by)}'


def _by(by: str) -> str:
    return f' by ({by})' if by else ''
