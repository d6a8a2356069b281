"""What is reported: of some journals, of what changed between two, and whether a gate is passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._report.budget_verdicts import judge
from streamtap._report.compare import compare
from streamtap._report.data import changes_csv, changes_json, gate_csv, gate_json, summary_csv, summary_json
from streamtap._report.document import Document
from streamtap._report.findings import gate_of_budgets, gate_of_changes
from streamtap._report.owners import ALL
from streamtap._report.page import comparison_page, report_page
from streamtap._report.words import change_grids, headline, how_to_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._report.arguments import Report
    from streamtap._report.gathered import Gathered


@dataclass(frozen=True, slots=True)
class Reported:
    """A report: for people, and what makes it for programs and as a page."""

    document: Document
    json: Callable[[], str]
    csv: Callable[[], str]
    html: Callable[[], str]


def contents(gathered: Gathered, unread: int) -> Reported:
    """What some journals hold.

    Args:
        gathered: Their contents.
        unread: How many lines and files could not be read.
    """
    summary = gathered.summary
    return Reported(
        Document([headline(gathered)], summary.grids(), summary.notes(), unread=unread),
        lambda: f'{summary_json(summary)}\n',
        lambda: summary_csv(summary),
        lambda: report_page(gathered, unread),
    )


def budgets_kept(asked: Report, gathered: Gathered, unread: int) -> Reported:
    """Whether some journals keep budgets.

    Args:
        asked: The budgets, and who must keep them.
        gathered: The contents of the journals.
        unread: How many lines and files could not be read.
    """
    gate = gate_of_budgets(judge(asked.budgets, gathered.samples, asked.by or ALL[:1]), strict=asked.strict)
    return Reported(
        Document([headline(gathered)], [gate.grid], [*gathered.summary.notes(), gate.how_to_read], gate, unread),
        lambda: f'{gate_json(gate)}\n',
        lambda: gate_csv(gate),
        lambda: report_page(gathered, unread, gate),
    )


def change(asked: Report, before: Gathered, after: Gathered, unread: int) -> Reported:
    """What changed between two journals, and whether it is for the worse if that is asked.

    Args:
        asked: The smallest changes, and whether there is a gate.
        before: The contents of the journal before.
        after: The contents of the journal after.
        unread: How many lines and files could not be read.
    """
    changes = compare(before.samples, after.samples, asked.least)
    heading = [f'before  {headline(before)}', f'after   {headline(after)}']
    if not asked.is_gate:
        return Reported(
            Document(heading, change_grids(changes), [how_to_read(asked.least)], unread=unread),
            lambda: f'{changes_json(changes)}\n',
            lambda: changes_csv(changes),
            lambda: comparison_page(before, after, changes, asked.least, unread),
        )
    gate = gate_of_changes(changes, asked.least, strict=asked.strict)
    return Reported(
        Document(heading, [gate.grid], [gate.how_to_read], gate, unread),
        lambda: f'{gate_json(gate)}\n',
        lambda: gate_csv(gate),
        lambda: comparison_page(before, after, changes, asked.least, unread, gate),
    )
