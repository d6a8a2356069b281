"""What the rules and alerts call bad: change it here, then run `generate.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streamtap._records.failed import FAILED_RUNS, FAILED_TOOLS


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
    long: str
    short: str
    factor: float
    pending: str
    severity: str


@dataclass(frozen=True)
class Config:
    """The thresholds; times are in Prometheus's notation unless they say seconds, shares are from 0 to 1.

    Args:
        scrape_seconds: The longest time between two scrapes, or exports by OTLP; boards need four of them for a point.
        histograms: Which histograms the server can be asked for: `any`, or `classic` for one that does not know
            `histogram_count()`: VictoriaMetrics, and Prometheus before 2.40.
        keep: Labels that keep things apart beside agent, model or tool: of the scrape, or your own from `Tap(labels=)`.
        runbooks: Where your people read `runbooks.md`, best a URL; `runbook_url` of an alert is this and its heading.
            A bare name is shown as text, and is no dead link.
        bad_run_outcomes: The outcomes of a run that are failures.
        uncounted_run_outcomes: The outcomes that are neither good nor bad.
        run_error_budget: The share of runs that may fail.
        burns: How fast is too fast.
        min_runs: Fewer runs than this in the window prove nothing.
        blank_screen_seconds: A run that shows nothing for longer than this is slow; a bucket bound of the runs' time to
            first output.
        blank_screen_budget: The share of the runs that may be so slow.
        window: Over what the shares of slow runs, of requests and of tool calls are taken.
        pending: How long a share must be too high.
        min_requests: Fewer requests than this in the window prove nothing.
        first_token_seconds: A first token later than this is slow; a bucket bound of the time to first token.
        first_token_error_budget: The share of streamed requests that may have none by then.
        max_stalls_per_request: Stalls per streamed request.
        max_stalled_share: The share of the open requests that may be stalled.
        stalled_pending: How long so many must be stalled.
        rate_limit_errors: The values of `error_type` that mean a rate limit.
        max_rate_limited_share: The share of requests that may be refused for it.
        max_failed_share: The share of requests that may fail otherwise.
        bad_tool_outcomes: The outcomes of a tool call that are failures.
        max_tool_failure_share: The share of a tool's calls that may fail.
        min_tool_calls: Fewer calls than this in the window prove nothing.
        slow_tool_seconds: A tool whose p95 is longer than this is slow.
        max_cost_usd_per_hour: The budget.
        stuck_seconds: A run open for longer than this is stuck.
        max_unmeasured_share: The share of responses that may come without usage.
        accounting_window: Over what cost and unmeasured responses are taken; an hour, as the budget is per hour.
        tap_window: How long one failure of the tap is reported.
    """

    scrape_seconds: int = 60
    histograms: Literal['any', 'classic'] = 'any'
    keep: tuple[str, ...] = ('job',)
    runbooks: str = 'runbooks.md'

    bad_run_outcomes: tuple[str, ...] = FAILED_RUNS
    uncounted_run_outcomes: tuple[str, ...] = ('incomplete',)
    run_error_budget: float = 0.01
    burns: tuple[Burn, ...] = (
        Burn('Fast', long='1h', short='5m', factor=14.4, pending='2m', severity='critical'),
        Burn('Slow', long='6h', short='30m', factor=6, pending='15m', severity='warning'),
    )
    min_runs: int = 20
    blank_screen_seconds: float = 7.5
    blank_screen_budget: float = 0.1

    window: str = '15m'
    pending: str = '5m'
    min_requests: int = 20
    first_token_seconds: float = 5
    first_token_error_budget: float = 0.05
    max_stalls_per_request: float = 0.1
    max_stalled_share: float = 0.1
    stalled_pending: str = '2m'
    rate_limit_errors: tuple[str, ...] = ('ModelHTTPError_429',)
    max_rate_limited_share: float = 0.05
    max_failed_share: float = 0.1

    bad_tool_outcomes: tuple[str, ...] = FAILED_TOOLS
    max_tool_failure_share: float = 0.1
    min_tool_calls: int = 20
    slow_tool_seconds: float = 5

    max_cost_usd_per_hour: float = 50
    stuck_seconds: float = 1800
    max_unmeasured_share: float = 0.05
    accounting_window: str = '1h'
    tap_window: str = '15m'


CONFIG = Config()
