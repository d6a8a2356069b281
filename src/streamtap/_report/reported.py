"""What is reported: of some journals, of what changed between two, and whether a gate is passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._report.budget_verdicts import judge
from streamtap._report.by_value import HOW_TO_READ, by_value, not_shown, value_grids
from streamtap._report.compare import compare
from streamtap._report.data import (
    changes_csv,
    changes_json,
    gate_csv,
    gate_json,
    report_csv,
    report_json,
    steps_csv,
    values_csv,
)
from streamtap._report.document import Document
from streamtap._report.findings import gate_of_budgets, gate_of_changes
from streamtap._report.owners import ALL
from streamtap._report.page import comparison_page, report_page
from streamtap._report.slowest import slowest_grid
from streamtap._report.steps import about, step_grid
from streamtap._report.steps import left_out as steps_left_out
from streamtap._report.words import change_grids, headings, headline, how_to_read, rows_left_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamtap._records.run_tree import RunTree
    from streamtap._report.arguments import Report
    from streamtap._report.figures import Figures
    from streamtap._report.gathered import Gathered
    from streamtap._report.owners import Scope


@dataclass(frozen=True, slots=True)
class Reported:
    """A report: for people, and what makes it for programs and as a page."""

    document: Document
    json: Callable[[], str]
    csv: Callable[[], str]
    html: Callable[[], str]


def contents(asked: Report, gathered: Figures, unread: int) -> Reported:
    """What some journals hold.

    Args:
        asked: How it is reported.
        gathered: Their contents.
        unread: How many lines and files could not be read.
    """
    if (run := gathered.single) is not None:
        return _one_run(asked, gathered, run, unread)
    if asked.by is not None:
        return _side_by_side(asked, gathered, asked.by, unread)
    grids = [*gathered.summary.grids(), *([slowest_grid(gathered.slowest)] if gathered.slowest else [])]
    return Reported(
        Document(headings(gathered), grids, gathered.notes(grids), unread=unread),
        lambda: f'{report_json(gathered)}\n',
        lambda: report_csv(gathered),
        lambda: report_page(gathered, unread, asked.trace_url),
    )


def _side_by_side(asked: Report, gathered: Figures, by: Sequence[Scope], unread: int) -> Reported:
    grids = list(value_grids(gathered.samples, by))
    notes = [*gathered.notes(grids), *not_shown(gathered.samples, by), HOW_TO_READ]
    figures = [each.data for each in by_value(gathered.samples, by)]
    return Reported(
        Document(headings(gathered), grids, notes, unread=unread),
        lambda: f'{report_json(gathered, figures)}\n',
        lambda: values_csv(figures),
        lambda: report_page(gathered, unread, asked.trace_url, by=by),
    )


def _one_run(asked: Report, gathered: Figures, run: RunTree, unread: int) -> Reported:
    grids = [step_grid(run)]
    notes = [*gathered.notes(grids), *filter(None, [steps_left_out(run)])]
    return Reported(
        Document([*headings(gathered), about(run)], grids, notes, unread=unread),
        lambda: f'{report_json(gathered)}\n',
        lambda: steps_csv(run),
        lambda: report_page(gathered, unread, asked.trace_url),
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
        Document(headings(gathered), [gate.grid], [*gathered.notes([gate.grid]), gate.how_to_read], gate, unread),
        lambda: f'{gate_json(gate, gathered.selection)}\n',
        lambda: gate_csv(gate),
        lambda: report_page(gathered, unread, asked.trace_url, gate),
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
    heading = [f'before  {headline(before)}', f'after   {headline(after)}', *filter(None, [str(asked.choice)])]
    notes = [
        f'{side}: {note}' for side, each in (('before', before), ('after', after)) for note in each.selection.notes()
    ]
    if not asked.is_gate:
        notes += rows_left_out(changes)
        return Reported(
            Document(heading, change_grids(changes), [*notes, how_to_read(asked.least)], unread=unread),
            lambda: f'{changes_json(changes)}\n',
            lambda: changes_csv(changes),
            lambda: comparison_page(before, after, changes, asked.least, unread, notes=notes),
        )
    gate = gate_of_changes(changes, asked.least, strict=asked.strict)
    return Reported(
        Document(heading, [gate.grid], [*notes, gate.how_to_read], gate, unread),
        lambda: f'{gate_json(gate, after.selection)}\n',
        lambda: gate_csv(gate),
        lambda: comparison_page(before, after, changes, asked.least, unread, gate, notes),
    )
