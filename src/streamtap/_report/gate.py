"""The gate: whether what was found lets a change pass."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from streamtap._display.exits import isolated
from streamtap._display.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamtap._display.grid import Column

Verdict: TypeAlias = Literal[
    'missed', 'worse', 'met', 'better', 'no clear change', 'too few to tell', 'nothing to judge'
]

FAILURES: tuple[Verdict, ...] = ('missed', 'worse')
"""What never passes."""

OPEN: tuple[Verdict, ...] = ('too few to tell', 'nothing to judge')
"""What passes unless the gate is strict."""

MOST_TOLD = 3
"""How many failures the verdict of the gate names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One verdict, and what it is of.

    Args:
        what: What was judged.
        whose: Of whom: a name that is safe.
        found: The figures, as a phrase.
        cells: As a row of a table, the verdict last.
        data: As the fields of an object.
        verdict: The verdict.
    """

    what: str
    whose: str
    found: str
    cells: Sequence[str]
    data: Mapping[str, object]
    verdict: Verdict

    def __str__(self) -> str:
        """In one line."""
        return f'{self.what} of {isolated(self.whose)} is {self.verdict}: {self.found}'


@dataclass(frozen=True, slots=True)
class Gate:
    """What was found, and whether it passes.

    Args:
        columns: Those of the table of findings.
        findings: In the order of the report.
        how_to_read: How the verdicts are found.
        strict: Whether what cannot be told does not pass.
    """

    columns: Sequence[Column]
    findings: Sequence[Finding]
    how_to_read: str
    strict: bool

    @property
    def failing(self) -> Sequence[Finding]:
        """What does not pass."""
        failures = {*FAILURES, *(OPEN if self.strict else ())}
        return [each for each in self.findings if each.verdict in failures]

    @property
    def passed(self) -> bool:
        """Whether it passes; a strict gate has something to judge."""
        return not self.failing and bool(self.findings or not self.strict)

    @property
    def counts(self) -> str:
        """Whether it passes, and how many verdicts there are of each kind: words of ours, without a name."""
        counts = Counter(each.verdict for each in self.findings)
        said = ', '.join(f'{counts[each]:,} {each}' for each in get_args(Verdict) if counts[each])
        return f'gate {"passed" if self.passed else "failed"}: {said or "nothing to judge"}'

    @property
    def verdict(self) -> str:
        """The verdict of the gate, in one line."""
        failing = self.failing
        more = [f'and {len(failing) - MOST_TOLD:,} more'] if len(failing) > MOST_TOLD else []
        return '; '.join([self.counts, *map(str, failing[:MOST_TOLD]), *more])

    @property
    def grid(self) -> Grid:
        """What was found, as a table."""
        return Grid(self.columns, [each.cells for each in self.findings], name='verdicts')
