"""What a report shows of some journals, whatever gathered it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._display.grid import Grid
    from streamtap._records.run_tree import RunTree
    from streamtap._report.over_time import Slots
    from streamtap._report.quantities import Quantity
    from streamtap._report.samples import Samples
    from streamtap._report.selection import Selection
    from streamtap._sinks.usage.summary import UsageSummary


class Figures(Protocol):
    """The contents of some journals."""

    names: str
    """The names of the journals, for headings."""
    selection: Selection
    """Which runs are looked at, and how many there were."""
    count: int
    """How many records are looked at."""
    first_ns: int | None
    """When the first of them began; `None` without any."""
    last_ns: int | None
    """When the last of them ended."""
    summary: UsageSummary
    """Their usage."""
    cost_usd: dict[tuple[str, str], float]
    """Their cost by agent and model."""
    slowest: list[RunTree]
    """The slowest runs."""
    samples: Samples
    """Their values, for figures side by side; none where those are not told."""

    def over_time(self, quantity: Quantity) -> Slots:
        """The values of a quantity over time."""
        ...

    @property
    def examples(self) -> Sequence[tuple[RunTree, int]]:
        """The runs that are drawn for the most frequent failures, each with how many it stands for."""
        ...

    @property
    def single(self) -> RunTree | None:
        """The run, if a single one is looked at."""
        ...

    def notes(self, grids: Sequence[Grid]) -> list[str]:
        """What is missing, left out or may be too low in some tables, and why, a sentence for each reason."""
        ...
