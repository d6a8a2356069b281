"""The error budget of runs: how fast failures use it up, what is left of it, and whether anything succeeds at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import is_one_of, ratio
from streamtap._dashboards.rules.names import Recording
from streamtap._dashboards.rules.shares import OUTERMOST, Shares, counted
from streamtap._dashboards.rules.spans import longer, summed, within_the_hour

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.names import Level
    from streamtap._dashboards.rules.share import Share


@dataclass(frozen=True)
class Budget:
    """What is recorded of it.

    Args:
        config: The budget.
    """

    config: Config

    @property
    def share(self) -> Share:
        """The share of runs that fail."""
        return Shares(self.config).run_failures

    @property
    def level(self) -> Level:
        """It is kept for each agent."""
        return self.share.level

    def failed(self, window: str) -> str:
        """The name of how many runs failed."""
        return self.level.increase('failed_runs', window)

    def worked(self, window: str) -> str:
        """The name of how many runs showed that the agent works."""
        return self.level.increase('good_runs', window)

    @property
    def left(self) -> str:
        """The name of the share of the budget that is left; below 0 if more than it is used up."""
        return self.level.name('run_error_budget_left', f'ratio{self.config.budget_window}')

    def recorded(self) -> tuple[Recording, ...]:
        """The rules, after those of the share itself over an hour."""
        config = self.config
        burnt = list(dict.fromkeys(window for burn in config.burns for window in (burn.long, burn.short)))
        runs, failures = 'pydantic_ai_runs_total', is_one_of('outcome', config.bad_run_outcomes)
        failed = counted(self.level, runs, OUTERMOST, failures)
        worked = counted(self.level, runs, OUTERMOST, is_one_of('outcome', config.good_run_outcomes))
        hours = dict.fromkeys((*within_the_hour(config.only_failures), '1h'))
        of_hours = [
            rule
            for window in hours
            for rule in (
                Recording(self.failed(window), failed(window)),
                Recording(self.worked(window), worked(window)),
            )
        ]
        directly = [
            rule
            for window in dict.fromkeys((*within_the_hour(burnt), '1h'))
            # Those that are recorded more often need not be again.
            if window not in (config.window, config.short)
            for rule in self.share.recorded(window)
        ]
        return (*directly, *of_hours, *(rule for window in longer(burnt) for rule in self._over(window)), self._left())

    def _over(self, window: str) -> tuple[Recording, ...]:
        runs = self.share.all(window)
        return (
            Recording(runs, summed(self.share.all('1h'), window)),
            Recording(self.share.share(window), ratio(summed(self.failed('1h'), window), runs)),
        )

    def _left(self) -> Recording:
        window = self.config.budget_window
        used = ratio(summed(self.failed('1h'), window), summed(self.share.all('1h'), window))
        return Recording(self.left, f'1 - {used}\n  /\n{self.config.run_error_budget:g}')
