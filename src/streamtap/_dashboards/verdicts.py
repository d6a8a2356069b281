"""What is good and what is bad, by the same thresholds as the alerts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config

Verdict = tuple[tuple[float | None, str], ...]
"""Thresholds and the colour above each; the first is None, for all that is below the second."""

NONE_IS_GOOD = (None, 'green'), (1e-9, 'red')
"""What should not be there at all."""


@dataclass(frozen=True)
class Verdicts:
    """The verdicts by a configuration.

    Args:
        config: The thresholds.
    """

    config: Config

    @property
    def failed_runs(self) -> Verdict:
        """The share of runs that failed: worth a look beyond the budget, bad at five times that."""
        return bad_above(5 * self.config.run_error_budget, self.config.run_error_budget)

    @property
    def failed_requests(self) -> Verdict:
        """The share of requests that failed."""
        return bad_above(self.config.max_failed_share)

    @property
    def failed_calls(self) -> Verdict:
        """The share of a tool's calls that failed."""
        return bad_above(self.config.max_tool_failure_share)

    @property
    def blank_screen(self) -> Verdict:
        """Seconds until a run shows something."""
        return bad_above(self.config.blank_screen_seconds)

    @property
    def first_token(self) -> Verdict:
        """Seconds until a first token."""
        return bad_above(self.config.first_token_seconds)

    @property
    def first_token_in_time(self) -> Verdict:
        """The share of the first tokens that came in time."""
        return bad_below(1 - 2 * self.config.first_token_error_budget, 1 - self.config.first_token_error_budget)

    @property
    def goodput(self) -> Verdict:
        """The share of the runs that met their objective."""
        return bad_below(1 - 2 * self.config.objective_error_budget, 1 - self.config.objective_error_budget)

    @property
    def repeated_calls(self) -> Verdict:
        """The share of a tool's calls that repeat others."""
        return bad_above(self.config.max_repeated_share)

    @property
    def context_used(self) -> Verdict:
        """The share of a context window that is taken."""
        return bad_above(self.config.full_context, 0.75 * self.config.full_context)

    @property
    def bought_again(self) -> Verdict:
        """The share of input tokens that a cache had, and that were paid for once more."""
        return bad_above(self.config.max_bought_again_share)

    @property
    def stalls(self) -> Verdict:
        """Stalls for each stream."""
        return bad_above(self.config.max_stalls_per_request)

    @property
    def tool_time(self) -> Verdict:
        """Seconds that a tool takes."""
        return bad_above(self.config.slow_tool_seconds)

    @property
    def cost_per_hour(self) -> Verdict:
        """US dollars."""
        return bad_above(self.config.max_cost_usd_per_hour)

    @property
    def unmeasured(self) -> Verdict:
        """The share of responses that did not say all their usage."""
        return bad_above(self.config.max_unmeasured_share)


def bad_above(bad: float, look: float | None = None) -> Verdict:
    """Worse the larger: green, yellow from where it is worth a look, red from where it is bad.

    Args:
        bad: From where it is bad.
        look: From where it is worth a look; half of that if not given.
    """
    return (None, 'green'), (bad / 2 if look is None else look, 'yellow'), (bad, 'red')


def bad_below(bad: float, good: float) -> Verdict:
    """Worse the smaller.

    Args:
        bad: Below it is bad.
        good: From where it is good.
    """
    return (None, 'red'), (bad, 'yellow'), (good, 'green')
