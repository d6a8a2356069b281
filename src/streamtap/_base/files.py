"""Files at paths that a user names: regular ones, no links, and for writing only one's own."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

try:
    import grp
    import pwd
except ImportError:  # Windows has other rights.
    grp = pwd = None

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

# Opening a pipe waits for its other end, unless told not to. Windows lacks all but the last of these.
_ALWAYS = getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_NOCTTY', 0) | getattr(os, 'O_BINARY', 0)
_NO_LINK = getattr(os, 'O_NOFOLLOW', 0)


def open_to_read(path: Path) -> BinaryIO:
    """Open a regular file, also through links.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be opened, or is a folder, a pipe, a device or a socket.
    """
    # Looked at before, as opening a device can do something; and after, as it may be another one by then.
    _check_regular(path, path.stat())
    descriptor = os.open(path, os.O_RDONLY | _ALWAYS)
    try:
        _check_regular(path, os.fstat(descriptor))
        return os.fdopen(descriptor, 'rb')
    except BaseException:
        os.close(descriptor)
        raise


def open_to_write(path: Path, flags: int) -> int:
    """Open a regular file of this user, or create one that only this user can read; returns its descriptor.

    Args:
        path: The file.
        flags: Those of `os.open`; the file is created if it does not exist, and never truncated.

    Raises:
        OSError: If it cannot be opened; if it is a link, a folder, a pipe, a device or a socket; if it has a second
            name; if it belongs to another user, or others may write it. The message says what to do.
    """
    if os.path.lexists(path):
        _check_own(path, path.lstat())
    descriptor = os.open(path, flags | os.O_CREAT | _ALWAYS | _NO_LINK, 0o600)
    try:
        _check_own(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_private_folder(path: Path) -> None:
    """Check that nobody but this user, and root, can put files into a folder.

    Args:
        path: The folder.

    Raises:
        PermissionError: If others can; the message says what to do.
    """
    _check_owner(path, path.stat(), also=0)


def _check_own(path: Path, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OSError(
            errno.ELOOP, 'is a symbolic link, which is not followed: name the file that it leads to', str(path)
        )
    _check_regular(path, status)
    if status.st_nlink > 1:
        raise OSError(errno.EMLINK, 'has a second name (a hard link): name a file of its own', str(path))
    _check_owner(path, status)


def _check_regular(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, 'is a folder, and not a file', str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, 'is a pipe, a device or a socket, and not a regular file', str(path))


def _check_owner(path: Path, status: os.stat_result, *, also: int | None = None) -> None:
    if pwd is None:
        return
    if status.st_uid not in (os.geteuid(), also):
        why = f'belongs to user {status.st_uid}, and not to {os.geteuid()}, which writes it: name one of its own'
        raise PermissionError(errno.EPERM, why, str(path))
    if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_group_of_one(status.st_gid)):
        mode = stat.S_IMODE(status.st_mode)
        raise PermissionError(errno.EPERM, f'can be written by others (its mode is {mode:o}): chmod go-w', str(path))


def _is_group_of_one(group: int) -> bool:
    """Whether a group is its user's own, as many systems make one for each: they let it write what the user makes."""
    if pwd is None or grp is None:
        return False
    try:
        user, found = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == user and not set(found.gr_mem) - {user}
