"""The last runs, each with a bar of where its time went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from streamtap._display.text import seconds
from streamtap._records.failed import FAILED_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from streamtap._sinks.usage.summary import RecentRun

BAR = 56
"""Characters of the longest bar."""

_MARKS = {
    'wait': ('░', 'yellow', 'waiting'),
    'stream': ('█', 'green', 'streaming'),
    'tools': ('▒', 'blue', 'tools'),
    'rest': ('·', 'dim', 'rest'),
}
"""For each phase its mark, which distinguishes it where there are no colours, its colour, and its name."""


def legend() -> Text:
    """What the marks of the bars mean."""
    words = Text('where the time went: ', 'dim')
    for mark, style, name in _MARKS.values():
        words.append_text(Text.assemble((mark, style), f' {name}  '))
    words.rstrip()
    return words


def add_recent(table: Table, runs: Sequence[RecentRun]) -> None:
    """Add a row for each run: agent, outcome, duration, bar.

    Args:
        table: A table with these four columns.
        runs: The runs.
    """
    longest = max((run.duration or 0.0 for run in runs), default=0.0)
    for run in runs:
        table.add_row(
            Text(run.agent, 'bold'),
            Text(run.outcome, 'red' if run.outcome in FAILED_RUNS else 'dim'),
            seconds(run.duration),
            _bar(run.phases, longest),
        )


def _bar(phases: Mapping[str, float], longest: float) -> Text:
    bar = Text()
    shown = {phase: phases.get(phase, 0.0) for phase in ('wait', 'stream', 'tools')}
    shown['rest'] = sum(phases.values()) - sum(shown.values())
    passed, drawn = 0.0, 0
    for phase, spent in shown.items():
        passed += spent
        upto = round(passed / longest * BAR) if longest else 0
        mark, style, _ = _MARKS[phase]
        bar.append(mark * (upto - drawn), style)
        drawn = upto
    return bar
