"""The usage of a journal with exact quantiles: the same ones that a comparison has."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from streamtap._report.statistics import nearest_rank
from streamtap._sinks.usage.ledger import UsageSink

if TYPE_CHECKING:
    from streamtap._records.sketch import Values


class ExactValues:
    """Keeps every value, in 8 bytes each: a journal has an end."""

    def __init__(self) -> None:
        self._values = array('d')

    def add(self, value: float | None) -> None:
        """Add a value; `None`, a value that was not observed, is ignored."""
        if value is not None:
            self._values.append(value)

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self._values)

    def quantile(self, q: float) -> float | None:
        """The value below which a share `q` of the values lies, by the nearest rank; `None` without values."""
        if not self._values:
            return None
        # What is in order already is sorted quickly.
        self._values = array('d', sorted(self._values))
        return nearest_rank(self._values, q)


class ExactUsage(UsageSink):
    """A usage ledger whose quantiles are exact."""

    def _new_values(self) -> Values:
        return ExactValues()
