"""What the boards, rules and alerts of an export depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ConfigDict, with_config

from streamtap._dashboards.promql.durations import seconds
from streamtap._dashboards.values import (
    RUNBOOKS,
    Datasource,
    Grafana,
    Namespace,
    Positive,
    Runbooks,
    Share,
    Whole,
    Window,
    WindowOrNone,
    checked_window,
)
from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS
from streamtap._sinks.metrics.catalogue import BUCKETS, BY_NAME
from streamtap._sinks.metrics.user_labels import checked_labels

_MOST_SELDOM = 120
"""Seconds between two records at which a board still has each of them."""


@with_config(ConfigDict(extra='forbid'))
@dataclass(frozen=True)
class Burn:
    """How fast failures may use up the error budget before somebody is told.

    Args:
        name: The end of the alert's name.
        long: The window that shows it matters.
        short: The window that shows it still goes on.
        factor: How many times the budget's even pace is too fast.
        pending: How long it must last.
        severity: The alert's severity.
    """

    name: str
    long: Window
    short: Window
    factor: Positive
    pending: Window
    severity: Literal['critical', 'warning', 'info']


@with_config(ConfigDict(extra='forbid'))
@dataclass(frozen=True)
class Config:
    """The settings; times are in Prometheus's notation unless they say seconds, shares are from 0 to 1.

    Args:
        scrape_seconds: The longest time between two scrapes, or exports by OTLP; boards need four of them for a point,
            and alerts take their shortest window from it.
        recorded_every: How often rules record for the boards by how much counters and histograms grew, and where gauges are,
            all processes together, such as `1m`: for a hundred processes and more. A multiple of `scrape_seconds`, which
            must then be the time between two scrapes, and at most `2m`. If empty, boards read each process's own series.
        histograms: Which histograms the server can be asked for: `any`, or `classic` for one that does not know
            `histogram_count()`: VictoriaMetrics, and Prometheus before 2.40.
        labels: Your own labels, as in `Tap(labels=...)`: boards can be filtered by them.
        buckets: The bounds of histograms that you changed, as in `PrometheusSink(buckets=...)`.
        keep: Labels by which series stay apart, besides agent, model and tool: labels of the scrape, or your own.
        runbooks: The URL at which your people read `runbooks.md`; `runbook_url` of an alert is this and its heading.
            Without it, the name of the page is shown as text.
        grafana: The URL of your Grafana; `dashboard_url` of an alert is this and its board, with what the alert is about
            chosen. Without it, the path alone is shown as text.
        datasource: The uid of the data source in Grafana that boards begin with; Grafana's default one if empty.
        namespace: The namespace in Kubernetes of what is written for it; the one that you apply it to if empty.
        kubernetes_labels: Labels by which the Prometheus operator selects rules and monitors; for the chart
            kube-prometheus-stack `release` and the name of your release.
        interval: How often rules over minutes are evaluated.
        slow_interval: How often rules over hours and days are evaluated.
        window: The time over which shares are taken, where there is enough traffic in it.
        pending: How long a share must be too high.
        min_failures: Fewer failures than this in `window` prove nothing.
        busy: With as many runs, requests or calls in `window`, the traffic is enough.
        quiet_window: The time over which shares are taken where the traffic is not enough.
        quiet_share: The share that is too high in `quiet_window`, if the alert's own threshold is lower.
        quiet_failures: How many failures in `quiet_window` prove something.
        bad_run_outcomes: The outcomes of a run that are failures.
        good_run_outcomes: The outcomes of a run that show that an agent works.
        uncounted_run_outcomes: The outcomes that are neither good nor bad.
        max_failed_run_share: The share of runs that may fail before an alert fires within minutes.
        only_failures: Windows, of up to an hour or of whole hours, in which `quiet_failures` failed runs, and no
            successful one, raise an alert.
        run_error_budget: The share of runs that may fail in the long run.
        budget_window: The time over which the error budget that is left is taken, in whole days.
        burns: How fast an error budget may be used up before an alert fires.
        min_runs: Fewer runs than this in the window prove nothing; nor do fewer requests of what a cache missed.
        objective_error_budget: The share of runs that may miss the `Objective` of their agent in the long run.
        blank_screen_seconds: A run that shows nothing for longer than this is slow; a bucket bound of the runs' time to
            first output.
        blank_screen_budget: The share of the runs that may be so slow.
        max_run_requests: A run with more requests than this loops; a bucket bound of the requests of a run.
        max_looping_share: The share of runs that may loop.
        stuck_seconds: A run open for longer than this is stuck.
        first_token_seconds: A first token later than this is slow; a bucket bound of the time to first token.
        first_token_error_budget: The share of streamed requests that may have none by then.
        max_stalls_per_request: Stalls per streamed request.
        min_stalled: Fewer hanging streams than this prove nothing.
        max_stalled_share: The share of the open requests that may be stalled.
        rate_limit_errors: The values of `error_type` that mean a rate limit.
        max_rate_limited_share: The share of requests that may be refused for it.
        max_failed_share: The share of requests that may fail otherwise.
        bad_tool_outcomes: The outcomes of a tool call that are failures.
        max_tool_failure_share: The share of a tool's calls that may fail.
        slow_tool_seconds: A tool whose p95 is longer than this is slow; a bucket bound of the tools' durations.
        max_slow_tool_share: The share of a tool's calls that may be so slow.
        max_retries_per_run: How often a run may have tools or outputs sent back to the model, on average.
        max_repeated_share: The share of a tool's calls that may repeat earlier ones of their run.
        min_repeated_calls: Fewer repeated calls than this in a window prove nothing.
        full_context: A request that takes a larger share of its model's context window than this has it nearly full; a
            bucket bound of that share.
        max_full_context_share: The share of requests that may have it nearly full.
        cache_miss_reasons: The reasons for tokens that are bought again which something can be done about.
        max_bought_again_share: The share of input tokens that may be bought again for these.
        min_lost_usd: Less than this lost in an hour to a cache that is missed does not count.
        max_cost_usd_per_hour: The budget.
        max_growth: How many times the usual is too much: cost, input tokens of a request, slow calls of a tool.
        usual_window: The usual is the median over this time; of cost it is the most expensive hour.
        min_growth_usd: Less than this in an hour does not count as growth of cost.
        min_growth_tokens: Requests with fewer input tokens than this have not grown.
        max_unmeasured_share: The share of responses that may come without usage.
        accounting_window: The time over which cost and unmeasured responses are taken; an hour, as the budget is.
        stopped: Windows, of up to an hour or of whole hours, in which traffic that was there last week must not be 0.
        min_expected_runs: If fewer runs than this were there last week, none now proves nothing.
        jobs_that_end: Jobs whose processes end by themselves: no alert fires when they are gone.
        loop_lag_seconds: An event loop that is later than this is blocked; a bucket bound of the lag.
        max_lag_share: The share of the looks at it that may find it so late.
        tap_window: How long one failure of the tap is reported.

    Raises:
        ValueError: If a label cannot be one, buckets are not those of a histogram, a threshold is no bound of them, or
            records would come too seldom for boards, or not after as many scrapes each time.
    """

    scrape_seconds: Whole = 60
    recorded_every: WindowOrNone = ''
    histograms: Literal['any', 'classic'] = 'any'
    labels: tuple[str, ...] = ()
    buckets: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    keep: tuple[str, ...] = ('job',)
    runbooks: Runbooks = RUNBOOKS
    grafana: Grafana = ''
    datasource: Datasource = ''
    namespace: Namespace = ''
    kubernetes_labels: Mapping[str, str] = field(default_factory=lambda: {'release': 'kube-prometheus-stack'})
    interval: Window = '15s'
    slow_interval: Window = '1m'

    window: Window = '5m'
    pending: Window = '1m'
    min_failures: Whole = 5
    busy: Whole = 20
    quiet_window: Window = '1h'
    quiet_share: Share = 0.5
    quiet_failures: Whole = 3

    bad_run_outcomes: tuple[str, ...] = FAILED_RUNS
    good_run_outcomes: tuple[str, ...] = ('success', 'deferred')
    uncounted_run_outcomes: tuple[str, ...] = ('incomplete',)
    max_failed_run_share: Share = 0.1
    only_failures: tuple[Window, ...] = ('15m', '1h', '2h', '4h')
    run_error_budget: Share = 0.01
    budget_window: Window = '30d'
    burns: tuple[Burn, ...] = (
        Burn('Fast', long='1h', short='5m', factor=14.4, pending='2m', severity='critical'),
        Burn('Slow', long='6h', short='30m', factor=6, pending='15m', severity='warning'),
        Burn('OneDay', long='1d', short='2h', factor=3, pending='15m', severity='warning'),
        Burn('ThreeDays', long='3d', short='6h', factor=1, pending='15m', severity='info'),
    )
    min_runs: Whole = 10
    objective_error_budget: Share = 0.05
    blank_screen_seconds: Positive = 7.5
    blank_screen_budget: Share = 0.1
    max_run_requests: Positive = 32
    max_looping_share: Share = 0.1
    stuck_seconds: Positive = 1800

    first_token_seconds: Positive = 5
    first_token_error_budget: Share = 0.05
    max_stalls_per_request: Positive = 0.1
    min_stalled: Whole = 3
    max_stalled_share: Share = 0.1
    rate_limit_errors: tuple[str, ...] = ('ModelHTTPError_429',)
    max_rate_limited_share: Share = 0.05
    max_failed_share: Share = 0.1

    bad_tool_outcomes: tuple[str, ...] = FAILED_TOOLS
    max_tool_failure_share: Share = 0.1
    slow_tool_seconds: Positive = 5
    max_slow_tool_share: Share = 0.05
    max_retries_per_run: Positive = 3

    max_repeated_share: Share = 0.1
    min_repeated_calls: Whole = 10
    full_context: Share = 0.8
    max_full_context_share: Share = 0.02
    cache_miss_reasons: tuple[str, ...] = ('prefix_changed', 'unknown')
    max_bought_again_share: Share = 0.2
    min_lost_usd: Positive = 1

    max_cost_usd_per_hour: Positive = 50
    max_growth: Positive = 3
    usual_window: Window = '1d'
    min_growth_usd: Positive = 1
    min_growth_tokens: Positive = 8000
    max_unmeasured_share: Share = 0.05
    accounting_window: Window = '1h'

    stopped: tuple[Window, ...] = ('15m', '1h', '4h', '24h')
    min_expected_runs: Whole = 10
    jobs_that_end: tuple[str, ...] = ()
    loop_lag_seconds: Positive = 0.5
    max_lag_share: Share = 0.01
    tap_window: Window = '15m'

    def __post_init__(self) -> None:
        checked_labels(self.labels)
        if self.recorded_every:
            self._check_records(seconds(checked_window(self.recorded_every)))
        for name, bounds in self.buckets.items():
            if name not in BY_NAME or BY_NAME[name].buckets is None:
                raise ValueError(f'buckets names no histogram of streamtap: {name}')
            if list(bounds) != sorted(set(bounds)):
                raise ValueError(f'the bounds of {name} must increase')
        for setting, histogram in THRESHOLDS.items():
            self._check_threshold(setting, histogram)

    def _check_records(self, every: int) -> None:
        if every % self.scrape_seconds:
            raise ValueError(f'recorded_every must be a multiple of scrape_seconds, which is {self.scrape_seconds}')
        if every > _MOST_SELDOM:
            # Prometheus takes what is five minutes old for gone.
            raise ValueError(f'recorded_every must be at most {_MOST_SELDOM} seconds')

    def _check_threshold(self, setting: str, histogram: str) -> None:
        """Between two bounds nothing can be counted in classic buckets."""
        bounds = self.bounds(histogram)
        threshold: float = getattr(self, setting)
        if threshold not in bounds:
            known = ', '.join(f'{bound:g}' for bound in bounds)
            raise ValueError(f'{setting}: {threshold:g} is no bucket bound of {histogram}; choose one of {known}')

    @property
    def short(self) -> str:
        """The window that shows that it still goes on: the shortest that has two scrapes, and no less than a minute."""
        seconds = max(60, 2 * self.scrape_seconds)
        return f'{seconds // 60}m' if seconds % 60 == 0 else f'{seconds}s'

    def bounds(self, histogram: str) -> tuple[float, ...]:
        """The bounds of a histogram's classic buckets.

        Args:
            histogram: Its name in the catalogue.
        """
        return self.buckets.get(histogram) or BUCKETS[BY_NAME[histogram].buckets or '']


THRESHOLDS = {
    'blank_screen_seconds': 'pydantic_ai_run_time_to_first_output_seconds',
    'max_run_requests': 'pydantic_ai_run_requests',
    'first_token_seconds': 'pydantic_ai_time_to_first_token_seconds',
    'slow_tool_seconds': 'pydantic_ai_tool_duration_seconds',
    'full_context': 'pydantic_ai_context_window_used_ratio',
    'loop_lag_seconds': 'streamtap_event_loop_lag_seconds',
}
"""The settings that are bounds of a histogram's buckets, and of which one."""

CONFIG = Config()
