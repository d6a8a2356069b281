"""The names of what is recorded, as Prometheus has them: which labels are left, of what, taken how."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config


@dataclass(frozen=True)
class Recording:
    """One recording rule.

    Args:
        record: The name of what it records.
        expr: The expression.
    """

    record: str
    expr: str


@dataclass(frozen=True)
class Level:
    """What is kept apart.

    Args:
        config: What keeps things apart everywhere.
        own: The labels besides.
        prefix: What the metrics begin with.
    """

    config: Config
    own: tuple[str, ...] = ()
    prefix: str = 'pydantic_ai'

    @property
    def labels(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(dict.fromkeys((*self.config.keep, *self.own)))

    def name(self, what: str, how: str) -> str:
        """The name of a recording rule, `level:metric:operation`.

        Args:
            what: The metric, without the prefix.
            how: What was done with it.
        """
        return f'{"_".join(self.labels) or "all"}:{self.prefix}_{what}:{how}'

    def increase(self, what: str, window: str) -> str:
        """How many within a window."""
        return self.name(what, f'increase{window}')

    def ratio(self, what: str, window: str) -> str:
        """Which share within a window."""
        return self.name(what, f'ratio_rate{window}')

    def usual(self, name: str) -> str:
        """The name of what is usual of what is recorded.

        Args:
            name: The name of what is recorded.
        """
        return re.sub(r'([^:]+)\Z', rf'median{self.config.usual_window}_\1', name)

    def usually(self, name: str) -> Recording:
        """The rule for what is usual: the median of what was recorded until some minutes ago."""
        return Recording(self.usual(name), f'quantile_over_time(0.5, {name}[{self.config.usual_window}] offset 10m)')

    def mean(self, what: str, window: str) -> str:
        """The mean within a window."""
        return self.name(what, f'mean{window}')
