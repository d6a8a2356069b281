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
    written. Only one process can write a file at a time; with several processes, put `{pid}` in the path. New files can
    be read by this user only. A file that cannot be rotated does not grow: what does not fit is dropped, and counted as
    an error of this sink.

    Args:
        path: The file; `{pid}` in it is replaced by the process id. Its folder must exist.
        max_bytes: The size at which the file is rotated to `<path>.1`, that to `<path>.2` and so on. Default 64 MiB.
        keep: How many of these rotated files are kept. Default 8.

    Raises:
        TypeError: If `max_bytes` or `keep` is not a whole number.
        ValueError: If `max_bytes` or `keep` is below 1.
        OSError: From the `Tap` it is given to, if the file cannot be written, another process is writing it, it is a link,
            or it is not a regular file of this user's own.
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
            if os.path.lexists(self.path):
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
            self._close()

    def _write(self, record: Record) -> None:
        line = record_line(record)
        with self._lock:
            file = self._file_for(len(line))
            file.append(line)

    def _file_for(self, room: int) -> JournalFile:
        """The file to append to, opened or rotated if need be."""
        if self._file is not None and not self._file.is_in_place():
            self._close()
        header = self._header
        file = self._file = self._file or JournalFile(self.path, header)
        if file.size > len(header) and file.size + room > self._max_bytes:
            # Not while it is open: some systems do not rename such a file.
            self._close()
            self._rotate()
            file = self._file = JournalFile(self.path, header)
        return file

    def _rotate(self) -> None:
        path = self.path
        older = [path]
        # Up to the first number that is free: one that is tried again does not push the oldest out each time.
        while len(older) < self._keep and os.path.lexists(older[-1]):
            older.append(path.with_name(f'{path.name}.{len(older)}'))
        for number in range(len(older) - 1, -1, -1):
            if os.path.lexists(older[number]):
                older[number].replace(path.with_name(f'{path.name}.{number + 1}'))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
