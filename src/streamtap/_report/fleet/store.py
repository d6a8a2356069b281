"""The records of many journals in a database, of which only what a report asks for is ever in memory."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, cast

from streamtap._base.files import open_to_read
from streamtap._report.exports.duck import duck
from streamtap._report.exports.formats import format_of, records_in
from streamtap._report.fleet.chunks import ChunkedFiles
from streamtap._report.fleet.lines import COLUMNS, TAKE, TAKE_SOUND
from streamtap._sinks.journal.lines import SCHEMA, Header, read_line, record_line
from streamtap._sinks.journal.reader import MAX_LINE, BrokenLine

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from streamtap._records.as_json import Record

AT_ONCE = 64
"""How many pieces of journals a thread takes at once."""

DOUBTED_AT_ONCE = 2000
"""How many lines that Python reads are taken at once."""


class Store:
    """The records of some journals, in the order of their lines.

    Args:
        connection: Where to keep them.
        folder: Where to keep the records of files that are no journals, as journals.
    """

    def __init__(self, connection: DuckDBPyConnection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._chunks = ChunkedFiles()
        self._copies = 0
        connection.execute(f'CREATE TABLE records (pos BIGINT, {COLUMNS})')

    def rows(self, query: str, **values: object) -> list[tuple[object, ...]]:
        """All rows of a query.

        Args:
            query: The query.
            values: Its parameters.
        """
        return cast('list[tuple[object, ...]]', self._connection.execute(query, values).fetchall())

    def each(self, query: str, **values: object) -> Iterator[tuple[object, ...]]:
        """The rows of a query, few of them in memory at once."""
        cursor = self._connection.cursor()
        try:
            found = cursor.execute(query, values)
            while many := found.fetchmany(DOUBTED_AT_ONCE):
                yield from cast('list[tuple[object, ...]]', many)
        finally:
            cursor.close()

    def run(self, query: str, **values: object) -> None:
        """Run a statement."""
        self._connection.execute(query, values)

    def record(self, position: int) -> Record:
        """The record of a line, read again.

        Raises:
            OSError: If its file cannot be read any more.
            ValueError: If it was changed since.
        """
        file, number, line = self._chunks.line(position)
        found = _read(line)
        if found is None or isinstance(found, Header):
            raise ValueError(f'{file}:{number}: was changed while it was read')
        return found

    def read(
        self,
        stdin: Iterable[Record],
        files: Iterable[Path],
        on_broken: Callable[[BrokenLine], None],
        on_file: Callable[[str, OSError], None],
    ) -> None:
        """Read some records, then some journals, or what else has records.

        Args:
            stdin: The records.
            files: The files, in order.
            on_broken: Called with each line that cannot be read.
            on_file: Called with each file that cannot be read, and why.
        """
        self._take_all(self._pieces(stdin, files, on_broken, on_file))
        self._take_doubted(on_broken)

    def _pieces(
        self,
        stdin: Iterable[Record],
        files: Iterable[Path],
        on_broken: Callable[[BrokenLine], None],
        on_file: Callable[[str, OSError], None],
    ) -> Iterator[tuple[int, str]]:
        yield from self._copied(stdin)
        for path in files:
            yield from self._pieces_of(path, on_broken, on_file)

    def _pieces_of(
        self, path: Path, on_broken: Callable[[BrokenLine], None], on_file: Callable[[str, OSError], None]
    ) -> Iterator[tuple[int, str]]:
        try:
            with open_to_read(path) as file:
                if format_of(file) == 'journal':
                    yield from self._chunks.of(path, file)
                else:
                    yield from self._copied(records_in(path, file, on_broken))
        except OSError as error:
            on_file(str(path), error)

    def _copied(self, records: Iterable[Record]) -> Iterator[tuple[int, str]]:
        """The pieces of a journal with some records, which can be read again."""
        self._copies += 1
        copy = self._folder / f'{self._copies}.jsonl'
        with copy.open('xb') as file:
            file.writelines(map(record_line, records))
        with copy.open('rb') as file:
            yield from self._chunks.of(copy, file)

    def _take_all(self, pieces: Iterator[tuple[int, str]]) -> None:
        """Each thread adds pieces in a transaction of its own, so that whole blocks go to disk, and each only once."""
        threads = os.cpu_count() or 1
        free = deque(self._connection.cursor() for _ in range(threads))
        for cursor in free:
            cursor.begin()

        def take(some: Sequence[tuple[int, str]]) -> None:
            cursor = free.popleft()
            try:
                cursor.execute(TAKE, {'texts': [text for _, text in some], 'numbers': [number for number, _ in some]})
            finally:
                free.append(cursor)

        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[None]] = deque()
            while some := list(islice(pieces, AT_ONCE)):
                waiting.append(pool.submit(take, some))
                if len(waiting) > threads:
                    waiting.popleft().result()
            for each in waiting:
                each.result()
        for cursor in free:
            cursor.commit()
            cursor.close()

    def _take_doubted(self, on_broken: Callable[[BrokenLine], None]) -> None:
        """What DuckDB did not take, in the order of its lines: as it is read for any other report."""
        sound: list[tuple[int, str]] = []
        unknown: list[tuple[int, int]] = []
        for (position,) in cast(
            'Iterator[tuple[int]]', self.each('SELECT pos FROM records WHERE kind IS NULL ORDER BY pos')
        ):
            file, number, line = self._chunks.line(position)
            is_known = not unknown or position >= unknown[-1][1]
            try:
                found = _read(line)
            except ValueError as error:
                if is_known:
                    on_broken(BrokenLine(file, number, str(error)))
                continue
            if isinstance(found, Header):
                if not is_known:
                    unknown[-1] = unknown[-1][0], position
                if found.schema != SCHEMA:
                    unknown.append((position, self._chunks.end_of(position)))
                    why = f'what follows has schema {found.schema}, and this streamtap reads {SCHEMA}'
                    on_broken(BrokenLine(file, number, why))
            elif found is not None and is_known:
                sound.append((position, record_line(found).decode()))
                if len(sound) >= DOUBTED_AT_ONCE:
                    self._take_sound(sound)
        self._take_sound(sound)
        for first, end in unknown:
            self.run('DELETE FROM records WHERE pos BETWEEN $first AND $end - 1', first=first, end=end)
        self.run('DELETE FROM records WHERE kind IS NULL')

    def _take_sound(self, lines: list[tuple[int, str]]) -> None:
        if lines:
            self.run(TAKE_SOUND, positions=[each for each, _ in lines], lines=[each for _, each in lines])
            lines.clear()


def _read(line: bytes | None) -> Record | Header | None:
    if line is None:
        raise ValueError(f'more than {MAX_LINE:,} bytes, which no record has')
    return read_line(line) if line.strip() else None


@contextmanager
def store() -> Generator[Store]:
    """A store that is empty, and is deleted when it is left.

    Raises:
        ImportError: If DuckDB is not installed; the message names the extra.
        OSError: If it has no room left, in memory or on disk.
    """
    with duck() as found:
        try:
            yield Store(found.connection, found.folder)
        except found.error as error:
            why = str(error).partition('\n')[0]
            raise OSError(f'DuckDB could not go on: {why}') from None
