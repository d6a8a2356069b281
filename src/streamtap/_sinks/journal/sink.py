"""The journal: every record as a JSON line in a rotating file."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from streamtap._base.checks import check_whole
from streamtap._base.forks import tell_forks
from streamtap._delivery.sink import BaseSink
from streamtap._sinks.journal.file import JournalFile
from streamtap._sinks.journal.lines import header_line, record_line

if TYPE_CHECKING:
    from streamtap._delivery.sink import Attachment
    from streamtap._records.as_json import Record
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord


class JournalSink(BaseSink):
    """Writes each run, response and tool call as one JSON line, for `streamtap report` and for tools of your own.

    Each line is appended by a single write: a process that is killed truncates at most its last line. Content is never
    written. Only one process can write a file at a time; with several processes, put `{pid}` in the path.

    Args:
        path: The file; `{pid}` in it is replaced by the process id. Its folder must exist.
        max_bytes: The size at which the file is rotated to `<path>.1`, that to `<path>.2` and so on. Default 64 MiB.
        keep: How many of these rotated files are kept. Default 8.

    Raises:
        TypeError: If `max_bytes` or `keep` is not a whole number.
        ValueError: If `max_bytes` or `keep` is below 1.
        OSError: From the `Tap` it is given to, if the file cannot be written, or another process is writing it.
    """

    def __init__(self, path: str | os.PathLike[str], *, max_bytes: int = 64 * 1024 * 1024, keep: int = 8) -> None:
        check_whole('max_bytes', max_bytes)
        check_whole('keep', keep)
        self._path_template = os.fspath(path)
        self._max_bytes = max_bytes
        self._keep = keep
        self.forked()
        tell_forks(self)

    def forked(self) -> None:
        """Reset: after a fork, the file is the parent's, and a thread of the parent may have held the lock."""
        self._lock = threading.Lock()
        self._file: JournalFile | None = None
        self._header = header_line()
        self._full_at = self._max_bytes
        self._failure: OSError | None = None

    @property
    def path(self) -> Path:
        """The file that this process writes."""
        return Path(self._path_template.replace('{pid}', str(os.getpid())))

    def attached(self, attachment: Attachment) -> None:
        """Reject a file that cannot be written."""
        with self._lock:
            if self._file is not None:
                return
            # It is closed again: the process that writes the first record opens it, which may be a fork of this one.
            if self.path.exists():
                JournalFile(self.path, header_line()).close()
            elif not self.path.parent.is_dir():
                raise FileNotFoundError(f'there is no folder {self.path.parent} to write the journal to')
            elif not os.access(self.path.parent, os.W_OK):
                raise PermissionError(f'the journal cannot be written to the folder {self.path.parent}')

    def detached(self, attachment: Attachment) -> None:
        """Close the file."""
        self.close()

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
        """Close the file, as the end of the tap does; a later record reopens it."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, record: Record) -> None:
        line = record_line(record)
        with self._lock:
            file = self._file_for(len(line))
            file.append(line)
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _file_for(self, room: int) -> JournalFile:
        """The file to append to, opened or rotated if need be."""
        file, self._file = self._file, None
        if file is not None and not file.is_in_place():
            file.close()
            file = None
        header = self._header
        if file is None:
            file = JournalFile(self.path, header)
        if file.size > len(header) and file.size + room > self._full_at:
            file.close()
            try:
                self._rotate()
                self._full_at = self._max_bytes
            except OSError as error:
                # Nothing is lost: it grows, and rotation is tried again when it has grown by as much.
                self._failure = error
                self._full_at = file.size + self._max_bytes
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
