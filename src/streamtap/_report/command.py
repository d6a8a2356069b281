"""The command `streamtap report`: reads journals, and writes a report on them."""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._base.files import open_to_read, open_to_write
from streamtap._display.exits import in_job_log, in_line, short_name
from streamtap._report.annotations import annotated
from streamtap._report.exports.formats import format_of, records_in
from streamtap._report.fleet.chosen import EndedTwiceError
from streamtap._report.fleet.gather import fleet_gathered, is_worth_it
from streamtap._report.gathered import Gathered
from streamtap._report.known_names import missing, unknown
from streamtap._report.markdown import markdown
from streamtap._report.owners import NAMED, VERSION, owners_by, owners_of
from streamtap._report.reported import budgets_kept, change, contents
from streamtap._report.text import print_document
from streamtap._sinks.journal.reader import is_journal, journal_files, read_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streamtap._records.as_json import Record
    from streamtap._report.arguments import Report
    from streamtap._report.choice import Choice
    from streamtap._report.figures import Figures
    from streamtap._report.options import Format
    from streamtap._report.owners import Owners, Scope
    from streamtap._report.reported import Reported
    from streamtap._sinks.journal.reader import BrokenLine

SHOWN = 20
"""How many broken lines of one file are reported one by one."""

MOST_NAMES = 3
"""How many journals a heading names."""

STDIN, STDIN_NAME = '-', 'stdin'

_WITHOUT_VERDICT: tuple[Format, ...] = ('json', 'csv', 'html')
"""The formats for programs and pages: the verdict of a gate, and what a choice leaves out, are told on stderr besides."""


class Complaints:
    """Counts what could not be read, and reports it on stderr when it is closed; `files` are of no use at all."""

    def __init__(self) -> None:
        self._broken: Counter[str] = Counter()
        self._told: dict[str, list[str]] = {}
        self.count = 0
        self.files = 0

    def line(self, broken: BrokenLine) -> None:
        """A line is broken."""
        self.count += 1
        self._broken[broken.file] += 1
        if self._broken[broken.file] <= SHOWN:
            self._told.setdefault(broken.file, []).append(f'{broken.line}: {broken.why}')

    def file(self, name: str, error: OSError) -> None:
        """A file cannot be read."""
        self.count += 1
        self.files += 1
        hint = ': pass it on stdin, as -' if Path(name).is_fifo() else ''
        self._told.setdefault(name, []).append(f' {error.strerror or error}{hint}')

    def close(self) -> None:
        """Report it, but only once: a file that is no journal in one line, and some broken lines of others."""
        for name, told in self._told.items():
            if self._broken[name] and not _may_be_read(name):
                self.files += 1
                _tell(f'{name}: not a journal: none of its lines is a record (line {told[0]})')
                continue
            for each in told:
                _tell(f'{name}:{each}')
            if self._broken[name] > SHOWN:
                more = self._broken[name] - SHOWN
                _tell(f'{name}: 1 more line is broken' if more == 1 else f'{name}: {more:,} more lines are broken')
        self._told.clear()


class _Silence(Complaints):
    """What cannot be read was told when it was read before."""

    def line(self, broken: BrokenLine) -> None:
        """Say nothing."""

    def file(self, name: str, error: OSError) -> None:
        """Say nothing."""


def report(asked: Report) -> int:
    """Report the contents of some journals, what changed from one to another, or whether budgets are kept.

    Args:
        asked: What is asked for.

    Returns:
        The exit status: 0; 1 when something could not be read, and the rest was reported; 2 when there was nothing to
        report; 3 when the gate does not pass.

    Raises:
        OSError: If the output cannot be written, or is not a regular file of this user.
        ValueError: If no record has a name that was asked for.
    """
    complaints = Complaints()
    try:
        return _report(asked, complaints)
    finally:
        complaints.close()


def _report(asked: Report, complaints: Complaints) -> int:
    again: Complaints = complaints
    if _is_of_fleet(asked):
        try:
            return _report_of_fleet(asked, complaints)
        except EndedTwiceError:
            if STDIN in asked.files:
                raise ValueError('a run has more than one end: --engine python can choose some runs of stdin') from None
            again = _Silence()
    sides = [asked.files] if asked.compare is None else [[name] for name in asked.compare]
    # A page has plots of everybody.
    owners = owners_of if asked.by is None else owners_by(asked.by if asked.is_of_verdicts else ('all', *asked.by))
    gathered: list[Gathered] = []
    for names in sides:
        unread = complaints.files
        gathered.append(_gathered(names, asked.choice, owners, again))
        if _has_none(gathered[-1], complaints, unread):
            return 2
    if not _has_what_was_asked(gathered, complaints):
        return 2
    _check_labels(asked.by or (), gathered)
    if asked.compare is not None:
        made = change(asked, gathered[0], gathered[1], complaints.count)
    elif asked.budgets:
        made = budgets_kept(asked, gathered[0], complaints.count)
    else:
        made = contents(asked, gathered[0], complaints.count)
    _put_out(made, asked, [note for each in gathered for note in each.selection.notes()])
    if (gate := made.document.gate) is not None and not gate.passed:
        return 3
    return 1 if complaints.count else 0


def _is_of_fleet(asked: Report) -> bool:
    if asked.engine is not None or asked.is_of_verdicts or asked.by is not None:
        return asked.engine == 'duckdb'
    return is_worth_it(_files(asked.files))


def _report_of_fleet(asked: Report, complaints: Complaints) -> int:
    files = _files(asked.files)
    stdin = read_lines(STDIN_NAME, sys.stdin.buffer, complaints.line) if STDIN in asked.files else ()
    names = _in_short(asked.files)
    with fleet_gathered(stdin, files, names, asked.choice, complaints.line, complaints.file) as gathered:
        if _has_none(gathered, complaints, 0) or not _has_what_was_asked([gathered], complaints):
            return 2
        _put_out(contents(asked, gathered, complaints.count), asked, gathered.selection.notes())
    return 1 if complaints.count else 0


def _has_none(gathered: Figures, complaints: Complaints, unread: int) -> bool:
    """Whether there is no record at all, which is told."""
    if gathered.selection.read:
        return False
    complaints.close()
    if complaints.files == unread:  # Otherwise it was told that a file cannot be read.
        _tell(f'{gathered.names}: no run, response or tool call to report')
    return True


def _has_what_was_asked(gathered: Sequence[Figures], complaints: Complaints) -> bool:
    """Whether there is some of what was asked for, of each side; which has none of it is told."""
    complaints.close()
    if (why := unknown([each.selection.known for each in gathered])) is not None:
        raise ValueError(why)
    for each in gathered:
        if not each.count:
            choice, notes = each.selection.choice, each.selection.notes()
            _tell(' '.join([f'{each.names}: there is none of what was asked for: {choice}.', *notes]))
            return False
    return True


def _gathered(names: Sequence[str], choice: Choice, owners: Owners, complaints: Complaints) -> Gathered:
    gathered = Gathered(_records(names, complaints), _in_short(names), owners, choice)
    if (whole := gathered.selection.known.whole_id) is None:
        return gathered
    if STDIN in names:
        raise ValueError(f'--run {choice.run}: stdin can be read only once, so write the whole id: {short_name(whole)}')
    return Gathered(_records(names, _Silence()), _in_short(names), owners, replace(choice, run=whole))


def _check_labels(scopes: Sequence[Scope], gathered: Sequence[Gathered]) -> None:
    """A label that is misspelt would pass every gate, and so would versions that nobody says."""
    for scope in scopes:
        if scope == VERSION and not any(each.samples.has(scope) for each in gathered):
            raise ValueError(f'--by {scope}: no run says the version of its service: give Tap(service_version=...)')
        if scope in NAMED or any(each.samples.has(scope) for each in gathered):
            continue
        known = sorted({usage.label for each in gathered for usage in each.summary.labels})
        raise ValueError(f'--by {scope}: {missing("label", scope, known, besides=NAMED)}')


def _put_out(made: Reported, asked: Report, left_out: Sequence[str]) -> None:
    document = made.document
    if asked.form == 'table' and asked.output is None:
        print_document(document)
        return
    texts: dict[Format, Callable[[], str]] = {
        'table': lambda: f'{document}\n',
        'json': made.json,
        'csv': made.csv,
        'html': made.html,
        'markdown': lambda: markdown(document),
        'github': lambda: annotated(document),
    }
    _write(texts[asked.form](), asked.output)
    if asked.output is not None or asked.form in _WITHOUT_VERDICT:
        told = [*left_out, *([] if document.gate is None else [document.gate.verdict])]
        for each in told:
            # Its names are safe, and isolated.
            print('streamtap report:', in_job_log(each), file=sys.stderr)


def _may_be_read(name: str) -> bool:
    """Whether a file has a line of a journal, or is of another known format; of stdin nobody knows any more."""
    if name == STDIN_NAME:
        return True
    try:
        with open_to_read(Path(name)) as file:
            return format_of(file) != 'journal' or is_journal(file)
    except OSError:
        return True


def _tell(what: str) -> None:
    print('streamtap report:', in_line(what), file=sys.stderr)


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


def _in_short(names: Sequence[str]) -> str:
    more = f' and {len(names) - MOST_NAMES} more' if len(names) > MOST_NAMES else ''
    return f'{", ".join(names[:MOST_NAMES])}{more}'


def _records(names: Sequence[str], complaints: Complaints) -> Iterator[Record]:
    for name in names:
        if name == STDIN:
            yield from read_lines(STDIN_NAME, sys.stdin.buffer, complaints.line)
    for file in _files(names):
        yield from _records_of(file, complaints)


def _records_of(file: Path, complaints: Complaints) -> Iterator[Record]:
    try:
        with open_to_read(file) as lines:
            yield from records_in(file, lines, complaints.line)
    except OSError as error:
        complaints.file(str(file), error)


def _files(names: Sequence[str]) -> list[Path]:
    """The files, each once, even if several of the names or patterns match it; stdin is none."""
    found: dict[Path, Path] = {}
    for name in names:
        if name == STDIN:
            continue
        matches = [name] if Path(name).exists() else sorted(glob.glob(name, recursive=True)) or [name]  # noqa: PTH207 - a pattern may begin with a root
        for match in matches:
            for file in journal_files(Path(match)):
                found.setdefault(file.resolve(), file)
    return list(found.values())
