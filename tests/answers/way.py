"""How the metrics of a team's processes come into its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streamtap import Sink


class Way(Protocol):
    """By scraping or by pushing: what each process measures, and when it is stored."""

    every: float
    """Seconds between two times at which a process's metrics are stored."""

    def began(self, moment: float, pod: str) -> Sink:
        """A process began: the sink that measures it.

        Args:
            moment: When, in seconds since the epoch.
            pod: The name of the process.
        """
        ...

    def stored(self, moment: float, pod: str) -> None:
        """Store what a process has measured by now."""
        ...

    def ended(self, moment: float, pod: str) -> None:
        """The process is no more."""
        ...
