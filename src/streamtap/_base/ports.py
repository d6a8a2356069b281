"""Who listens on a port of this machine."""

from __future__ import annotations

import multiprocessing
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path('/proc')
_LISTENS = '0A'


def is_held_by_relative(port: int, proc: Path = PROC) -> bool:
    """Whether another worker of the same server listens on a port: this process's parent, or another child of it.

    The parent must be a program of the same kind, and a sibling must have been started as this one was, so that neither a
    shell nor what else it started counts. In a container the server itself may be process 1.

    Args:
        port: The port.
        proc: Where the kernel tells of processes; where there is no such place, a process that `multiprocessing`
            started takes it to be so.
    """
    if not (proc / 'net').is_dir():
        return multiprocessing.parent_process() is not None
    sockets = {f'socket:[{inode}]' for inode in _listening(port, proc)}
    return any(sockets & set(_open_files(pid, proc)) for pid in _relatives(proc))


def _listening(port: int, proc: Path) -> Iterator[str]:
    """The inodes of the sockets that listen on a port."""
    for table in ('tcp', 'tcp6'):
        for line in _read(proc / 'net' / table).splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == _LISTENS and int(local.rpartition(':')[2], 16) == port:
                yield rest[5]


def _relatives(proc: Path) -> Iterator[str]:
    own, parent = str(os.getpid()), str(os.getppid())
    if _executable(parent, proc) == _executable(own, proc):
        yield parent
    started = _command(own, proc)
    for pid in (found.name for found in proc.iterdir() if found.name.isdigit()):
        # The name of the program, in parentheses, may have any character in it.
        stat = _read(proc / pid / 'stat').rpartition(')')[2].split()
        if len(stat) > 1 and stat[1] == parent and pid != own and _command(pid, proc) == started:
            yield pid


def _executable(pid: str, proc: Path) -> Path | None:
    try:
        return (proc / pid / 'exe').readlink()
    except OSError:
        return None


def _command(pid: str, proc: Path) -> str:
    """How a process was started, without the numbers, such as descriptors, that each worker gets its own of."""
    return re.sub(r'\d+', '', _read(proc / pid / 'cmdline'))


def _open_files(pid: str, proc: Path) -> Iterator[str]:
    try:
        for opened in (proc / pid / 'fd').iterdir():
            yield str(opened.readlink())
    except OSError:
        return  # It ended, or is another user's.


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding='utf-8', errors='replace')
    except OSError:
        return ''
