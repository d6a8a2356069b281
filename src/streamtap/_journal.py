"""The journal: every record as a JSON line in a file that rotates."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._checks import check_whole
from streamtap._forks import tell_forks
from streamtap._journal_file import JournalFile
from streamtap._journal_lines import header_line, record_line
from streamtap._sinks import BaseSink

if TYPE_CHECKING:
    from streamtap._record_json import Record
    from streamtap._records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks import Attachment


class JournalSink(BaseSink):
    """Writes each run, response and tool call as one JSON line, for `streamtap report` and for tools of your own.

    It appends, a line by one write: a process that is killed tears at most its last line. It never writes content.
    One process writes a file at a time; several that are to write at once have `{pid}` in the path.

    Args:
        path: The file; `{pid}` in it becomes the process's id. Its folder must be there.
        max_bytes: The size at which the file becomes `<path>.1`, that one `<path>.2` and so on. Default 64 MiB.
        keep: How many such older files are kept. Default 8.

    Raises:
        TypeError: If a number is no whole number.
        ValueError: If a number is below 1.
        OSError: By the `Tap` it is given to, if the file cannot be written, or another process writes it.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = 64 * 1024 * 1024, keep: int = 8) -> None:
        check_whole('max_bytes', max_bytes)
        check_whole('keep', keep)
        self._given = os.fspath(path)
        self._max_bytes = max_bytes
        self._keep = keep
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Begin anew: after a fork the file, and a lock that may have been held, are the parent's."""
        self._lock = threading.Lock()
        self._file: JournalFile | None = None
        self._header = header_line()

    @property
    def path(self) -> Path:
        """The file that this process writes."""
        return Path(self._given.replace('{pid}', str(os.getpid())))

    def attached(self, attachment: Attachment) -> None:
        """Refuse a file that cannot be written."""
        with self._lock:
            if self._file is not None:
                return
            # It is opened for good by the process that writes the first record, which may be a fork of this one.
            if self.path.exists():
                JournalFile(self.path, header_line()).close()
            elif not self.path.parent.is_dir():
                raise FileNotFoundError(f'there is no folder {self.path.parent} to write the journal to')
            elif not os.access(self.path.parent, os.W_OK):
                raise PermissionError(f'the journal cannot be written to the folder {self.path.parent}')

    def run_ended(self, record: RunRecord) -> None:
        """Write a run."""
        self._write(record)

    def response_ended(self, record: ResponseRecord) -> None:
        """Write a response."""
        self._write(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Write a tool call."""
        self._write(record)

    def close(self) -> None:
        """Close the file; a record that comes later opens it again. Close or flush the tap first."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, record: Record) -> None:
        line = record_line(record)
        with self._lock:
            self._ready(len(line)).append(line)

    def _ready(self, room: int) -> JournalFile:
        """The file to append to, opened or rotated if need be."""
        file, self._file = self._file, None
        if file is not None and not file.is_in_place():
            file.close()
            file = None
        header = self._header
        if file is None:
            file = JournalFile(self.path, header)
        if file.size > len(header) and file.size + room > self._max_bytes:
            file.close()
            self._rotate()
            file = JournalFile(self.path, header)
        self._file = file
        return file

    def _rotate(self) -> None:
        path = self.path
        for number in range(self._keep - 1, 0, -1):
            older = path.with_name(f'{path.name}.{number}')
            if older.exists():
                older.replace(path.with_name(f'{path.name}.{number + 1}'))
        path.replace(path.with_name(f'{path.name}.1'))
