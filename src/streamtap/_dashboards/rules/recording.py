"""The recording rules: each number that an alert compares, so that whoever asks reads the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.rules.amounts import Amounts
from streamtap._dashboards.rules.budget import Budgets
from streamtap._dashboards.rules.shares import Shares

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.names import Recording
    from streamtap._dashboards.rules.share import Share


@dataclass(frozen=True)
class Recordings:
    """A group of recording rules.

    Args:
        interval: How often they are evaluated.
        rules: The rules, in this order: later ones may read what earlier ones recorded.
    """

    interval: str
    rules: tuple[Recording, ...]


def recordings(config: Config) -> dict[str, Recordings]:
    """The recording rules by group.

    Args:
        config: What is bad, and over which windows.
    """
    shares, amounts, budgets = Shares(config), Amounts(config), Budgets(config)
    runs = shares.run_failures, shares.blank_screens, shares.looping_runs, shares.retries
    models = shares.slow_first_tokens, shares.stalls, shares.rate_limited, shares.failed_requests
    contexts = shares.full_contexts, shares.bought_again
    tools = shares.tool_failures, shares.slow_tools, shares.repeated_calls
    usual_slowness = shares.tools.usually(shares.slow_tools.share(config.window))

    def quick(of: Iterable[Share], *more: Recording) -> Recordings:
        return Recordings(config.interval, _once((*(rule for each in of for rule in each.recorded_quickly()), *more)))

    def slow(of: Iterable[Share], *more: Recording) -> Recordings:
        return Recordings(
            config.slow_interval, _once((*(rule for each in of for rule in each.recorded_slowly()), *more))
        )

    of_runs = quick(runs)
    # What is recorded more often need not be again.
    often = {rule.record for rule in of_runs.rules}
    burns = (*budgets.failures.recorded(), *budgets.only_failures(), *budgets.objectives.recorded())
    return {
        'streamtap-runs': of_runs,
        'streamtap-requests': quick(
            (*models, *contexts),
            *amounts.answers(config.short),
            *amounts.input_tokens(),
            *amounts.agent_requests(),
            amounts.cache_losses(config.window),
        ),
        'streamtap-tools': quick(tools),
        'streamtap-cost': quick((), *amounts.cost(config.window), *amounts.cost(config.short)),
        'streamtap-self': quick((shares.loop_lag,)),
        'streamtap-runs-by-the-hour': slow(
            runs, *(rule for rule in burns if rule.record not in often), *amounts.traffic()
        ),
        'streamtap-requests-by-the-hour': slow(
            (*models, *contexts),
            *amounts.answers(config.quiet_window),
            amounts.usual_input_tokens(),
            amounts.measured_requests(config.quiet_window),
            amounts.cache_losses(config.quiet_window),
        ),
        'streamtap-tools-by-the-hour': slow(tools, usual_slowness),
        'streamtap-self-by-the-hour': slow((shares.loop_lag,)),
        'streamtap-accounting': slow((), *amounts.cost(config.accounting_window), *amounts.unmeasured()),
    }


def _once(rules: Iterable[Recording]) -> tuple[Recording, ...]:
    return tuple({rule.record: rule for rule in rules}.values())
