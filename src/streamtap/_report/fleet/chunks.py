"""Journals in pieces of whole lines, which can be read again: a line is known by its piece and its place in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._base.files import open_to_read
from streamtap._sinks.journal.reader import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

SIZE = 256 * 1024
"""About how many bytes a piece has; its last line may be longer."""

PLACES = 1 << 21
"""More than a piece has lines: the number of a line is that of its piece times this, and its place in it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a file: where they begin, how many bytes they have, and which line is the first, from 1.

    A line that is too long is a piece of its own, without any bytes.
    """

    file: str
    offset: int
    size: int
    first_line: int


class ChunkedFiles:
    """The pieces of some files, in order, of which only where they are is kept."""

    def __init__(self) -> None:
        self._known: list[Chunk] = []
        self._read: tuple[int, list[bytes]] = (-1, [])

    def of(self, path: Path, file: BinaryIO) -> Iterator[tuple[int, str]]:
        """Yield the pieces of a file, each with its number, without the end of its last line.

        A line that is no text, or too long, is replaced by a blank, and no more than it may have is ever in memory.

        Args:
            path: The file.
            file: The same, open and at its beginning.
        """
        line, offset = 1, 0
        while data := file.read(SIZE):
            skipped = 0
            if not data.endswith(b'\n'):
                rest = file.readline(MAX_LINE + 1)
                data += rest
                begins = data.rfind(b'\n', 0, -1) + 1
                if len(data) - begins > MAX_LINE:
                    skipped = len(data) - begins
                    while rest and not rest.endswith(b'\n'):
                        rest = file.readline(MAX_LINE)
                        skipped += len(rest)
                    data = data[:begins]
            if data:
                yield self._add(Chunk(str(path), offset, len(data), line)), _text(data.removesuffix(b'\n'))
                line, offset = line + data.count(b'\n'), offset + len(data)
            if skipped:
                yield self._add(Chunk(str(path), offset, 0, line)), ' '
                line, offset = line + 1, offset + skipped

    def _add(self, chunk: Chunk) -> int:
        self._known.append(chunk)
        return len(self._known) - 1

    def line(self, position: int) -> tuple[str, int, bytes | None]:
        """A line again: its file, its number from 1, and its bytes; `None` of one that is too long.

        Args:
            position: Its number, which is that of its piece times `PLACES`, and its place in that.

        Raises:
            OSError: If the file cannot be read any more.
        """
        number, place = divmod(position, PLACES)
        chunk = self._known[number]
        if not chunk.size:
            return chunk.file, chunk.first_line, None
        if self._read[0] != number:
            with open_to_read(Path(chunk.file)) as file:
                file.seek(chunk.offset)
                self._read = number, file.read(chunk.size).split(b'\n')
        return chunk.file, chunk.first_line + place, self._read[1][place]

    def end_of(self, position: int) -> int:
        """A number beyond those of all lines of the same file."""
        number = position // PLACES
        file = self._known[number].file
        while number < len(self._known) and self._known[number].file == file:
            number += 1
        return number * PLACES


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return '\n'.join(_line(each) for each in data.split(b'\n'))


def _line(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ' '
