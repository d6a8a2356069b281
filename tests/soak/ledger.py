"""How often each thing happened, or was recorded: by the name and the labels of its metric."""

from __future__ import annotations

from collections import Counter

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A metric's name and its labels, sorted."""


class Ledger(Counter[Series]):
    """Counts by series."""

    def enter(self, counted: Ledger) -> None:
        """Add what happened in one run."""
        self.update(counted)


def series(metric: str, **labels: str) -> Series:
    """A series."""
    return metric, tuple(sorted(labels.items()))
