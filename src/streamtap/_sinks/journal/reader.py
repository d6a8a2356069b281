"""Reads journals: broken lines are reported, and the rest is read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._base.files import open_to_read
from streamtap._sinks.journal.lines import SCHEMA, Header, read_line

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from streamtap._records.as_json import Record

MAX_LINE = 1024 * 1024
"""How many bytes a line may have: a response with as many parts as are kept, all with the longest names, has fewer."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line of a journal that could not be read: its file, its number (from 1), and why."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: {self.why}'


class BrokenJournalError(ValueError):
    """A journal has a line that cannot be read."""


def read_journal(
    path: str | os.PathLike[str], *, on_broken: Callable[[BrokenLine], None] | None = None
) -> Iterator[Record]:
    """Yield the records of a journal and its rotated files, oldest first, with one line at a time in memory.

    Args:
        path: The path given to `JournalSink`.
        on_broken: Called with each line that cannot be read, which is then skipped; by default it is an error.

    Raises:
        BrokenJournalError: At a line that cannot be read, unless `on_broken` is given.
        OSError: If a file cannot be read, or is not a regular one.
    """
    for file in journal_files(Path(path)):
        with open_to_read(file) as lines:
            yield from read_lines(str(file), lines, _refuse if on_broken is None else on_broken)


def journal_files(path: Path) -> list[Path]:
    """The files of a journal: the rotated ones, oldest first, then the current one."""
    rotated = [
        (int(number), file)
        for file in path.parent.glob(f'{_literal(path.name)}.*')
        if (number := file.name[len(path.name) + 1 :]).isascii() and number.isdecimal()
    ]
    older = [file for _, file in sorted(rotated, reverse=True)]
    return [*older, path] if path.exists() or not older else older


def read_lines(name: str, file: BinaryIO, on_broken: Callable[[BrokenLine], None]) -> Iterator[Record]:
    """Yield the records of a file.

    Args:
        name: The file's name, for reports of broken lines.
        file: The file; without a header, its lines are read in the current format.
        on_broken: Called with each line that cannot be read.
    """
    is_known = True
    for number, line in enumerate(lines_of(file), 1):
        try:
            if line is None:
                raise ValueError(f'more than {MAX_LINE:,} bytes, which no record has')
            if not line.strip():
                continue
            found = read_line(line)
        except ValueError as error:
            if is_known:
                on_broken(BrokenLine(name, number, str(error)))
            continue
        if isinstance(found, Header):
            is_known = found.schema == SCHEMA
            if not is_known:
                why = f'what follows has schema {found.schema}, and this streamtap reads {SCHEMA}'
                on_broken(BrokenLine(name, number, why))
        elif is_known:
            yield found


def is_journal(file: BinaryIO) -> bool:
    """Whether a line of a file is a record or a header, of any schema.

    Args:
        file: The file.
    """
    for line in lines_of(file):
        with suppress(ValueError):
            if line is not None and read_line(line):
                return True
    return False


def lines_of(file: BinaryIO, most: int = MAX_LINE) -> Iterator[bytes | None]:
    """The lines of a file; `None` for one that is too long, of which no more than that is ever in memory.

    Args:
        file: The file.
        most: How many bytes a line may have.
    """
    while line := file.readline(most + 1):
        is_too_long = len(line) > most
        yield None if is_too_long else line
        while is_too_long and line and not line.endswith(b'\n'):
            line = file.readline(MAX_LINE)


def _refuse(broken: BrokenLine) -> None:
    raise BrokenJournalError(str(broken))


def _literal(name: str) -> str:
    return ''.join(f'[{each}]' if each in '*?[' else each for each in name)
