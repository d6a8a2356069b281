"""One open file of a journal: appended to by one process at a time, one line per write."""

from __future__ import annotations

import errno
import os
import weakref
from typing import TYPE_CHECKING

from streamtap._base.files import open_to_write

try:
    import fcntl
except ImportError:  # Windows has no such locks.
    fcntl = None

if TYPE_CHECKING:
    from pathlib import Path


class JournalFile:
    """Opens the file for appending, and holds a lock on it until it is closed.

    A file that it creates can be read by this user only. A line that a crash truncated is terminated, so that the next
    one is not joined to it.

    Args:
        path: The file; created if it does not exist.
        header: The line to write before the first one.

    Raises:
        BlockingIOError: If another `JournalFile`, of any process, has it open.
        OSError: If it cannot be opened, is a link, or is not a regular file of this user's own.
    """

    def __init__(self, path: Path, header: bytes) -> None:
        self._path = path
        self._prefix = header
        self._descriptor = open_to_write(path, os.O_RDWR | os.O_APPEND)
        self._closing = weakref.finalize(self, os.close, self._descriptor)
        # Not at exit: records that come while the interpreter exits are still written.
        self._closing.atexit = False
        try:
            _lock(self._descriptor, path)
            self.size = os.fstat(self._descriptor).st_size
            if self._ends_torn():
                self._prefix = b'\n' + header
        except BaseException:
            self.close()
            raise

    def append(self, line: bytes) -> None:
        """Write a whole line, newline included.

        Raises:
            OSError: If it could not be written, or only in part.
        """
        written = self._prefix + line
        count = os.write(self._descriptor, written)
        self.size += count
        if count < len(written):
            self._prefix = b'\n'
            raise OSError(errno.ENOSPC, 'only part of a line could be written', str(self._path))
        self._prefix = b''

    def is_in_place(self) -> bool:
        """Whether the path still leads to this file: it was neither moved nor deleted."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except OSError:
            return False

    def close(self) -> None:
        """Close the file, and so release the lock."""
        self._closing()

    def _ends_torn(self) -> bool:
        if not self.size:
            return False
        os.lseek(self._descriptor, -1, os.SEEK_END)
        return os.read(self._descriptor, 1) != b'\n'


def _lock(descriptor: int, path: Path) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BlockingIOError(
            errno.EAGAIN,
            'the journal is already being written: give each process its own with {pid} in the path, or share the sink',
            str(path),
        ) from None
