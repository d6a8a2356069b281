"""Every value of every quantity, exactly, and its time: 24 bytes for each."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from streamtap._report.quantities import ALL, QUANTITIES, owners_of, values_of
from streamtap._sinks.label_cap import LabelCap
from streamtap._sinks.usage.ledger import MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._records.as_json import Record
    from streamtap._report.quantities import Quantity, Scope


class Samples:
    """Gathers the values of records, by quantity and owner."""

    def __init__(self) -> None:
        self._cap = LabelCap(MAX_GROUPS, _ignored)
        self._values: dict[tuple[Quantity, Scope, str], array[float]] = {}
        self._moments: dict[Quantity, array[float]] = {quantity: array('d') for quantity in QUANTITIES}

    def add(self, record: Record) -> None:
        """Add the values of a record."""
        owners: list[tuple[Scope, str]] = [(scope, self._cap(scope, name)) for scope, name in owners_of(record)]
        for quantity, value in values_of(record):
            for scope, name in owners:
                self._values.setdefault((quantity, scope, name), array('d')).append(value)
            if ALL in owners:
                self._moments[quantity].append(record.started_ns / 1e9)

    def keys(self) -> set[tuple[Quantity, Scope, str]]:
        """What there are values of: each quantity, with its scope and name."""
        return set(self._values)

    def values(self, quantity: Quantity, scope: Scope, name: str) -> Sequence[float]:
        """The values of a quantity, in the order in which they were added."""
        return self._values.get((quantity, scope, name), array('d'))

    def timed(self, quantity: Quantity) -> list[tuple[float, float]]:
        """All values of a quantity, each with its time (seconds since the epoch), in order of time."""
        return sorted(zip(self._moments[quantity], self.values(quantity, *ALL), strict=True))


def _ignored(_: str) -> None:
    pass
