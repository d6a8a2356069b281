"""A report as Markdown, for the comment of a pull request: every name and every figure in it is code."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from streamtap._display.cells import cut_in_the_middle
from streamtap._display.exits import MOST_SHOWN, in_job_log, in_markdown, in_markdown_table
from streamtap._display.side_by_side import SideBySide
from streamtap._report.gate import FAILURES, Verdict
from streamtap._report.words import unread_told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._display.grid import Grid
    from streamtap._report.document import Document
    from streamtap._report.gate import Finding

MOST_ROWS = 200
"""How many rows of a table are shown: a comment on GitHub has at most 65,536 characters."""

MOST_WORDS = 3 * MOST_SHOWN
"""How long a cell of words is at most, in which there are names and numbers; a number is not cut away."""

MOST_OPEN = 12
"""How many rows a table has that is not folded."""

MOST_FAILURES = 20
"""How many failures are shown above the tables."""


def markdown(document: Document) -> str:
    """The report; the gate's verdict first."""
    blocks: list[str] = []
    if document.gate is not None:
        failing = document.gate.failing
        shown = [_bullet(finding) for finding in failing[:MOST_FAILURES]]
        blocks += [f'**{document.gate.counts}**', '\n'.join([*shown, *_more(len(failing) - len(shown), '- ')])]
    blocks += ['  \n'.join(map(in_markdown, document.heading)), *map(_table, document.grids), *document.notes]
    if document.unread:
        blocks.append(unread_told(document.unread))
    return in_job_log('\n\n'.join(filter(None, blocks)) + '\n')


def _bullet(finding: Finding) -> str:
    whose = cut_in_the_middle(finding.whose, MOST_SHOWN)
    what, whose, found = map(in_markdown, (finding.what, whose, finding.found))
    return f'- {what} of {whose} is **{finding.verdict}**: {found}'


def _table(grid: Grid) -> str:
    rule = ['---' if not number or column.to_left else '---:' for number, column in enumerate(grid.columns)]
    most = [MOST_WORDS if column.to_left else MOST_SHOWN for column in grid.columns]
    rows = [list(map(_cell, row, most)) for row in grid.rows[:MOST_ROWS]]
    lines = '\n'.join(f'| {" | ".join(cells)} |' for cells in (_headings(grid), rule, *rows))
    table = '\n\n'.join([lines, *_more(len(grid.rows) - len(rows), '')])
    if len(grid.rows) <= MOST_OPEN:
        return table
    return f'<details><summary>{grid.headings[0]}: {len(grid.rows):,} rows</summary>\n\n{table}\n\n</details>'


def _headings(grid: Grid) -> Sequence[str]:
    """The headings, which are words of ours unless they are names of values."""
    return list(map(in_markdown_table, grid.headings)) if isinstance(grid, SideBySide) else grid.headings


def _cell(text: str, most: int) -> str:
    if text in FAILURES:
        return f'**{text}**'
    is_plain = text == '-' or text in get_args(Verdict) or text.replace(',', '').isdecimal()
    return text if is_plain else in_markdown_table(cut_in_the_middle(text, most))


def _more(count: int, before: str) -> Iterator[str]:
    if count > 0:
        yield f'{before}and {count:,} more'
