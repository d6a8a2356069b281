"""Error budgets: how fast what is bad uses one up, and what is left of it; of runs also whether anything succeeds at all."""

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
    """A share that may be bad in the long run.

    Args:
        config: How fast it may be used up.
        share: What is bad.
        allowed: Which share may be.
        counts: What the number of bad ones is called.
        name: What the budget is called.
    """

    config: Config
    share: Share
    allowed: float
    counts: str
    name: str

    @property
    def level(self) -> Level:
        """It is kept for each agent."""
        return self.share.level

    @property
    def windows(self) -> list[str]:
        """Those over which it is looked at."""
        return list(dict.fromkeys(window for burn in self.config.burns for window in (burn.long, burn.short)))

    def bad(self, window: str) -> str:
        """The name of how many were bad."""
        return self.level.increase(self.counts, window)

    @property
    def left(self) -> str:
        """The name of the share of the budget that is left; below 0 if more than it is used up."""
        return self.level.name(f'{self.name}_left', f'ratio{self.config.budget_window}')

    def recorded(self) -> tuple[Recording, ...]:
        """The rules, those of an hour before those that read it."""
        hour = Recording(self.bad('1h'), self.share.count_bad('1h'))
        directly = [
            rule
            for window in dict.fromkeys((*within_the_hour(self.windows), '1h'))
            for rule in self.share.recorded(window)
        ]
        return (
            *directly,
            hour,
            *(rule for window in longer(self.windows) for rule in self._over(window)),
            self._left(),
        )

    def _over(self, window: str) -> tuple[Recording, ...]:
        everything = self.share.all(window)
        return (
            Recording(everything, summed(self.share.all('1h'), window)),
            Recording(self.share.share(window), ratio(summed(self.bad('1h'), window), everything)),
        )

    def _left(self) -> Recording:
        window = self.config.budget_window
        used = ratio(summed(self.bad('1h'), window), summed(self.share.all('1h'), window))
        return Recording(self.left, f'1 - {used}\n  /\n{self.allowed:g}')


@dataclass(frozen=True)
class Budgets:
    """All of them.

    Args:
        config: The budgets.
    """

    config: Config

    @property
    def failures(self) -> Budget:
        """Runs that fail."""
        share = Shares(self.config).run_failures
        return Budget(self.config, share, self.config.run_error_budget, 'failed_runs', 'run_error_budget')

    @property
    def objectives(self) -> Budget:
        """Runs that miss their objective."""
        share = Shares(self.config).missed_objectives
        return Budget(
            self.config, share, self.config.objective_error_budget, 'runs_below_objective', 'objective_budget'
        )

    def worked(self, window: str) -> str:
        """The name of how many runs showed that the agent works."""
        return self.failures.level.increase('good_runs', window)

    def only_failures(self) -> tuple[Recording, ...]:
        """How many runs failed, and how many worked, in each window in which nothing may."""
        config, failures = self.config, self.failures
        good = is_one_of('outcome', config.good_run_outcomes)
        worked = counted(failures.level, 'pydantic_ai_runs_total', OUTERMOST, good)
        return tuple(
            rule
            for window in dict.fromkeys((*within_the_hour(config.only_failures), '1h'))
            for rule in (
                Recording(failures.bad(window), failures.share.count_bad(window)),
                Recording(self.worked(window), worked(window)),
            )
        )
