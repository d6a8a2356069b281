"""What rules ask of histograms: one expression for native and classic ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._dashboards.promql.growth import grown, grown_histogram
from streamtap._dashboards.promql.pieces import at_most, series, total

if TYPE_CHECKING:
    from streamtap._dashboards.config import Config
    from streamtap._dashboards.rules.names import Level


@dataclass(frozen=True)
class Histogram:
    """A histogram of the catalogue.

    Args:
        config: Which histograms the server can be asked for.
        level: What is kept apart.
        name: Its name.
        only: Matchers of what is meant, if not all.
    """

    config: Config
    level: Level
    name: str
    only: tuple[str, ...] = ()

    def count(self, window: str) -> str:
        """How many values it took within a window."""
        return self._either(f'histogram_count({self._native(window)})', self._classic(window, '_count'))

    def total(self, window: str) -> str:
        """Their sum."""
        return self._either(f'histogram_sum({self._native(window)})', self._classic(window, '_sum'))

    def within(self, bound: float, window: str) -> str:
        """How many of them were at most as large as a bucket bound.

        Args:
            bound: The bound: a setting of `THRESHOLDS`, which are checked.
            window: The window.
        """
        seen = self._native(window)
        native = f'histogram_fraction(0, {bound:g}, {seen})\n  *\nhistogram_count({seen})'
        return self._either(native, self._classic(window, '_bucket', at_most(bound)))

    def _native(self, window: str) -> str:
        return total(self.level.labels, grown_histogram(series(self.name, *self.only), window))

    def _classic(self, window: str, suffix: str, *matchers: str) -> str:
        return total(self.level.labels, grown(series(self.name, *self.only, *matchers, suffix=suffix), window))

    def _either(self, native: str, classic: str) -> str:
        return classic if self.config.histograms == 'classic' else f'({native}\n  or\n{classic})'
