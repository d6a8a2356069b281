"""Every value of every quantity, exactly, its run and its time: 40 bytes for each."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._records.records import RunRecord
from streamtap._report.owners import ALL, VERSION, counts_nested, owners_of
from streamtap._report.quantities import CACHE_HITS, NESTED_RUNS, SAYS_OF_CACHE, values_of
from streamtap._sinks.label_cap import LabelCap
from streamtap._sinks.usage.ledger import MAX_GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap._records.as_json import Record
    from streamtap._report.owners import Owners, Scope
    from streamtap._report.quantities import Quantity

MOST_CALLERS = 50
"""How many callers a nested run has at most: its values belong to the last of them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Some values, and the run of each: the outermost one, as a number."""

    values: Sequence[float] = ()
    runs: Sequence[int] = ()

    def in_order(self) -> Sample:
        """The same, the least value first."""
        order = sorted(range(len(self.values)), key=self.values.__getitem__)
        return Sample([self.values[place] for place in order], [self.runs[place] for place in order])


@dataclass(frozen=True, slots=True)
class _Kept:
    values: array[float] = field(default_factory=lambda: array('d'))
    runs: array[int] = field(default_factory=lambda: array('q'))


class Samples:
    """Gathers the values of records, by quantity and owner.

    Args:
        owners: Tells whose values a record has.
    """

    def __init__(self, owners: Owners = owners_of) -> None:
        self._owners = owners
        self._cap = LabelCap(MAX_GROUPS, _ignored)
        self._kept: dict[tuple[Quantity, Scope, str], _Kept] = {}
        self._moments: dict[Quantity, array[float]] = {}
        self._callers: dict[int, int] = {}
        self._versions: dict[int, str] = {}

    def add(self, record: Record) -> None:
        """Add the values of a record."""
        owners: list[tuple[Scope, str]] = [(scope, self._cap(scope, name)) for scope, name in self._owners(record)]
        run = hash(record.run_id)
        if isinstance(record, RunRecord) and record.parent_run_id is not None:
            self._callers[run] = hash(record.parent_run_id)
        elif isinstance(record, RunRecord) and record.service_version is not None and (VERSION, '') in owners:
            self._versions[run] = self._cap(VERSION, record.service_version)
        nested = isinstance(record, RunRecord) and record.nested
        for quantity, value in values_of(record):
            for scope, name in owners:
                if nested and quantity is not NESTED_RUNS and not counts_nested(scope):
                    continue
                if (kept := self._kept.get((quantity, scope, name))) is None:
                    kept = self._kept[quantity, scope, name] = _Kept()
                if value is not None:
                    kept.values.append(value)
                    kept.runs.append(run)
            if ALL in owners and value is not None and not nested:
                self._moments.setdefault(quantity, array('d')).append(record.started_ns / 1e9)

    def complete(self) -> None:
        """Do what can be done only when all records were added: before, some values are where they do not belong."""
        self._tell_versions()
        self._leave_out_caches()

    def _tell_versions(self) -> None:
        """Give the values of each version to it; those of runs that say none are left out."""
        for quantity, scope, name in [key for key in self._kept if key[1:] == (VERSION, '')]:
            kept = self._kept.pop((quantity, scope, name))
            for value, run in zip(kept.values, kept.runs, strict=True):
                if (version := self._versions.get(self._outermost(run))) is not None:
                    its = self._kept.setdefault((quantity, VERSION, version), _Kept())
                    its.values.append(value)
                    its.runs.append(run)

    def _leave_out_caches(self) -> None:
        """Leave out the hits of those of whose caches no provider said anything."""
        for _, scope, name in [key for key in self._kept if key[0] is CACHE_HITS]:
            if not self.values(SAYS_OF_CACHE, scope, name):
                self._kept[CACHE_HITS, scope, name] = _Kept()
        for key in [key for key in self._kept if key[0] is SAYS_OF_CACHE]:
            del self._kept[key]
        if not self.values(CACHE_HITS, *ALL):
            self._moments.pop(CACHE_HITS, None)
        self._moments.pop(SAYS_OF_CACHE, None)

    def order(self) -> Sequence[tuple[Quantity, Scope, str]]:
        """The same as `keys`, in the order in which they were first there."""
        return list(self._kept)

    def keys(self) -> set[tuple[Quantity, Scope, str]]:
        """What was there to be measured: each quantity, with its scope and name."""
        return set(self._kept)

    def has(self, scope: Scope) -> bool:
        """Whether a record has an owner of that scope."""
        return any(found == scope for _, found, _ in self._kept)

    def names(self, quantity: Quantity, scope: Scope) -> list[str]:
        """Who of a scope could have had values of a quantity, in order."""
        return sorted(name for found, of, name in self._kept if (found, of) == (quantity, scope))

    def count(self, quantity: Quantity, scope: Scope, name: str) -> int:
        """How many values of a quantity there are."""
        return len(self.values(quantity, scope, name))

    def values(self, quantity: Quantity, scope: Scope, name: str) -> Sequence[float]:
        """The values of a quantity, in the order in which they were added."""
        kept = self._kept.get((quantity, scope, name))
        return array('d') if kept is None else kept.values

    def sample(self, quantity: Quantity, scope: Scope, name: str) -> Sample:
        """The same values, in order, each with its run."""
        kept = self._kept.get((quantity, scope, name))
        return Sample() if kept is None else Sample(kept.values, list(map(self._outermost, kept.runs))).in_order()

    def timed(self, quantity: Quantity) -> list[tuple[float, float]]:
        """All values of a quantity, each with its time (seconds since the epoch), in order of time."""
        return sorted(zip(self._moments.get(quantity, ()), self.values(quantity, *ALL), strict=True))

    def _outermost(self, run: int) -> int:
        for _ in range(MOST_CALLERS):
            if (caller := self._callers.get(run)) is None:
                break
            run = caller
        return run


def _ignored(_: str) -> None:
    pass
