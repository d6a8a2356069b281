"""The command `streamtap report`: reads journals, and writes a report on them."""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._base.files import open_to_read, open_to_write
from streamtap._display.exits import in_line
from streamtap._report.compare import compare
from streamtap._report.data import changes_csv, changes_json, summary_csv, summary_json
from streamtap._report.gathered import Gathered
from streamtap._report.page import comparison_page, report_page
from streamtap._report.text import print_grids
from streamtap._report.words import HOW_TO_READ, change_grids, headline
from streamtap._sinks.journal.reader import journal_files, read_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._sinks.journal.reader import BrokenLine

Format: TypeAlias = Literal['table', 'json', 'csv', 'html']

SHOWN = 20
"""How many broken lines of one file are reported one by one."""

MOST_NAMES = 3
"""How many journals a heading names."""

STDIN = '-'


class Complaints:
    """Reports on stderr what could not be read, and counts it."""

    def __init__(self) -> None:
        self._broken: Counter[str] = Counter()
        self.count = 0

    def line(self, broken: BrokenLine) -> None:
        """Report a broken line."""
        self.count += 1
        self._broken[broken.file] += 1
        if self._broken[broken.file] <= SHOWN:
            self._print(str(broken))

    def file(self, name: str, error: OSError) -> None:
        """Report a file that cannot be read."""
        self.count += 1
        self._print(f'{name}: {error.strerror or error}')

    def close(self) -> None:
        """Report how many broken lines were not reported one by one."""
        for name, count in self._broken.items():
            if count > SHOWN:
                self._print(f'{name}: {count - SHOWN} more lines are broken')

    def _print(self, what: str) -> None:
        print('streamtap report:', in_line(what), file=sys.stderr)


def report(names: Sequence[str], form: Format, output: Path | None) -> int:
    """Report the contents of some journals.

    Args:
        names: Journals, each with its rotated files; patterns; `-` for stdin.
        form: The format of the report.
        output: The file to write it to; stdout if `None`.

    Returns:
        The exit status: 0; 1 when something could not be read, and the rest was reported; 2 when there was nothing to
        report.

    Raises:
        OSError: If the output cannot be written, or is not a regular file of this user.
    """
    complaints = Complaints()
    gathered = Gathered(_records(names, complaints), _in_short(names))
    complaints.close()
    if not gathered.count:
        return _nothing(names)
    if form == 'table' and output is None:
        print_grids(headline(gathered), gathered.summary.grids(), gathered.summary.notes())
    else:
        summary = gathered.summary
        texts = {
            'table': lambda: f'{headline(gathered)}\n\n{summary}\n',
            'json': lambda: f'{summary_json(summary)}\n',
            'csv': lambda: summary_csv(summary),
            'html': lambda: report_page(gathered, complaints.count),
        }
        _write(texts[form](), output)
    return 1 if complaints.count else 0


def report_change(before: str, after: str, form: Format, output: Path | None) -> int:
    """Report what changed from one journal to another.

    Args:
        before: The journal before the change, with its rotated files, or a pattern, or `-`.
        after: The journal after it.
        form: The format of the report.
        output: The file to write it to; stdout if `None`.

    Returns:
        The exit status, as of `report`.

    Raises:
        OSError: If the output cannot be written.
    """
    complaints = Complaints()
    old, new = (Gathered(_records([name], complaints), name) for name in (before, after))
    complaints.close()
    for gathered in (old, new):
        if not gathered.count:
            return _nothing([gathered.names])
    changes = compare(old.samples, new.samples)
    heading = f'before  {headline(old)}\nafter   {headline(new)}'
    if form == 'table' and output is None:
        print_grids(heading, change_grids(changes), [HOW_TO_READ])
    else:
        texts = {
            'table': lambda: '\n\n'.join([heading, *map(str, change_grids(changes)), f'{HOW_TO_READ}\n']),
            'json': lambda: f'{changes_json(changes)}\n',
            'csv': lambda: changes_csv(changes),
            'html': lambda: comparison_page(old, new, changes, complaints.count),
        }
        _write(texts[form](), output)
    return 1 if complaints.count else 0


def _write(text: str, output: Path | None) -> None:
    if output is None:
        if (reconfigure := getattr(sys.stdout, 'reconfigure', None)) is not None:
            # What a file or another program gets is UTF-8, whatever the console has.
            reconfigure(encoding='utf-8')
        sys.stdout.write(text)
    else:
        with os.fdopen(open_to_write(output, os.O_WRONLY), 'wb') as file:
            file.truncate()
            file.write(text.encode())


def _nothing(names: Sequence[str]) -> int:
    print(f'streamtap report: {in_line(_in_short(names))}: no run, response or tool call to report', file=sys.stderr)
    return 2


def _in_short(names: Sequence[str]) -> str:
    more = f' and {len(names) - MOST_NAMES} more' if len(names) > MOST_NAMES else ''
    return f'{", ".join(names[:MOST_NAMES])}{more}'


def _records(names: Sequence[str], complaints: Complaints) -> Iterator[Record]:
    for name in names:
        if name == STDIN:
            yield from read_lines('stdin', sys.stdin.buffer, complaints.line)
    for file in _files([name for name in names if name != STDIN]):
        yield from _records_of(file, complaints)


def _records_of(file: Path, complaints: Complaints) -> Iterator[Record]:
    try:
        with open_to_read(file) as lines:
            yield from read_lines(str(file), lines, complaints.line)
    except OSError as error:
        complaints.file(str(file), error)


def _files(names: Sequence[str]) -> list[Path]:
    """The files, each once, even if several of the names or patterns match it."""
    found: dict[Path, Path] = {}
    for name in names:
        matches = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207 - a pattern may begin with a root
        for match in matches:
            for file in journal_files(Path(match)):
                found.setdefault(file.resolve(), file)
    return list(found.values())
