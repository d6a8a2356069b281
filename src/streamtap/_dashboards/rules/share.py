"""A share that should not be too large, judged over minutes where there is traffic and over an hour where there is little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.pieces import ratio
from streamtap._dashboards.rules.names import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.names import Level


@dataclass(frozen=True)
class Share:
    """What is bad among all of its kind.

    Args:
        config: The windows.
        level: What is kept apart.
        bad: What the share is called.
        of: What all are called.
        count_bad: How many were bad within a window.
        count_all: How many there were.
    """

    config: Config
    level: Level
    bad: str
    of: str
    count_bad: Callable[[str], str]
    count_all: Callable[[str], str]

    def recorded_quickly(self) -> tuple[Recording, ...]:
        """The rules over minutes."""
        return tuple(rule for window in (self.config.window, self.config.short) for rule in self.recorded(window))

    def recorded_slowly(self) -> tuple[Recording, ...]:
        """The rules over an hour."""
        return self.recorded(self.config.quiet_window)

    def recorded(self, window: str) -> tuple[Recording, ...]:
        """How many there were within a window, and which share of them was bad."""
        return (
            Recording(self.all(window), self.count_all(window)),
            Recording(self.share(window), ratio(self.count_bad(window), self.all(window))),
        )

    def all(self, window: str) -> str:
        """The name of how many there were."""
        return self.level.increase(self.of, window)

    def share(self, window: str) -> str:
        """The name of the share that was bad."""
        return self.level.ratio(self.bad, window)

    def above(self, limit: float, *, quiet_limit: float | None = None, least: int | None = None) -> str:
        """When the share is too large.

        Over minutes: it is in both windows, and there were enough bad ones to prove something.
        Where there are too few in minutes: most of the last hour's were bad.

        Args:
            limit: What it may be.
            quiet_limit: What it may be in the last hour, if that is not most of them.
            least: How many bad ones prove something in either window, if not as many as usual.
        """
        config = self.config
        long, short, quiet = config.window, config.short, config.quiet_window
        most = max(limit, config.quiet_share) if quiet_limit is None else quiet_limit
        many, some = (least or usual for usual in (config.min_failures, config.quiet_failures))
        return (
            f'{self.share(long)} > {limit:g}\n'
            f'and {self.share(short)} > {limit:g}\n'
            f'and {self.share(long)} * {self.all(long)} >= {_about(many)}\n'
            f'or\n'
            f'{self.share(quiet)} > {most:g}\n'
            f'and {self.share(quiet)} * {self.all(quiet)} >= {_about(some)}\n'
            f'unless {self.all(long)} >= {config.busy}'
        )


def _about(count: int) -> str:
    # What is extrapolated and multiplied is no whole number.
    return f'{count - 0.5:g}'
