"""What is good and what is bad, by the same thresholds as the alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config import CONFIG

if TYPE_CHECKING:
    from generator.panels import Verdict


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


FAILED_RUNS = bad_above(5 * CONFIG.run_error_budget, CONFIG.run_error_budget)
FAILED_REQUESTS = bad_above(CONFIG.max_failed_share)
FAILED_CALLS = bad_above(CONFIG.max_tool_failure_share)
BLANK_SCREEN = bad_above(CONFIG.blank_screen_seconds)
FIRST_TOKEN = bad_above(CONFIG.first_token_seconds)
FIRST_TOKEN_IN_TIME = bad_below(1 - 2 * CONFIG.first_token_error_budget, 1 - CONFIG.first_token_error_budget)
STALLS = bad_above(CONFIG.max_stalls_per_request)
TOOL_TIME = bad_above(CONFIG.slow_tool_seconds)
COST_PER_HOUR = bad_above(CONFIG.max_cost_usd_per_hour)
UNMEASURED = bad_above(CONFIG.max_unmeasured_share)
NONE_IS_GOOD = (None, 'green'), (1e-9, 'red')
"""What should not be there at all."""
