"""Adds the files of processes that have ended up into one, so that workers that come and go leave no files behind.

A process holds a lock on a file of its own for as long as it lives: the system lets go of it however the process ends. The
values of the others are added to one file for each type of metric, as prometheus_client would add them at each scrape.
"""

from __future__ import annotations

import json
import os
import struct
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from prometheus_client.mmap_dict import MmapedDict

from streamtap._base.files import open_to_write
from streamtap._base.forks import tell_forks

try:
    import fcntl
except ImportError:  # Windows has no such locks, and no server that forks workers.
    fcntl = None

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence

ADDED_TYPES = ('counter', 'histogram', 'summary')
"""The types whose values are added up; gauges are removed if they are only of what lives, and left alone otherwise."""

ALIVE = '.alive'
"""How the name of the file ends on which a process that lives has a lock."""

ENDED = 'streamtap-ended'
"""What stands for the process in the name of the file of all that have ended."""

_LOCK = f'{ENDED}.lock'


class Liveness:
    """Shows the other processes that this one lives, once it is asked to.

    Args:
        folder: Where the files of the multiprocess mode are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: int | None = None
        tell_forks(self)

    def forked(self) -> None:
        """Let go of the lock, which is the parent's: it would hold as long as any process that has inherited it."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def show(self) -> None:
        """From now on the other processes know that this one lives, until it ends.

        Raises:
            OSError: If the file cannot be written.
        """
        if self._held is None and fcntl is not None:
            self._held = open_to_write(self._folder / f'{os.getpid()}{ALIVE}', os.O_RDWR)
            fcntl.flock(self._held, fcntl.LOCK_EX)


@contextmanager
def while_nothing_is_added(folder: Path) -> Generator[None]:
    """A time in which no process adds files up, so that nothing is read twice.

    Who may only read the folder does without: it reads nothing twice unless another process adds up at that moment.

    Args:
        folder: Where the files are.
    """
    with ExitStack() as held:
        with suppress(OSError):
            held.enter_context(_locked(folder, exclusive=False))
        yield


def add_up_ended(folder: Path) -> None:
    """Add the values of processes that have ended to those that ended before, and remove their files.

    A process that does this may be killed at any moment: the next one finishes or undoes what it had begun.

    Args:
        folder: Where the files are.

    Raises:
        OSError: If the files cannot be written.
    """
    if fcntl is None or not (ended := list(_ended(folder))):
        return
    with _locked(folder, exclusive=True):
        for kind in ADDED_TYPES:
            _finish(folder, kind)
        for pid in ended:
            _add_up(folder, pid)


def _add_up(folder: Path, pid: str) -> None:
    """Add up the files of one process, unless it lives again, or never ended."""
    alive = folder / f'{pid}{ALIVE}'
    with suppress(FileNotFoundError):
        held = os.open(alive, os.O_RDWR | os.O_CLOEXEC)
        try:
            if not _is_free(held):
                return
            for kind in ADDED_TYPES:
                _add_files(folder, kind, list(folder.glob(f'{kind}_{pid}.db')))
            for live in folder.glob(f'gauge_live*_{pid}.db'):
                live.unlink()
            alive.unlink()
        finally:
            os.close(held)


def _add_files(folder: Path, kind: str, files: Sequence[Path]) -> None:
    """Add the values of some files of one type to those that are added up; the order of its steps makes it safe."""
    if not files:
        return
    total, new, plan = _places(folder, kind)
    values = dict(_values(total)) if total.exists() else {}
    added: list[str] = []
    for file in files:
        try:
            found = list(_values(file))
        except (ValueError, RuntimeError, struct.error):
            # It is broken, and stays: a scrape says so.
            continue
        added.append(file.name)
        for key, value in found:
            values[key] = values.get(key, 0.0) + value
    if not added:
        return
    new.unlink(missing_ok=True)
    written = MmapedDict(str(new))
    for key, value in values.items():
        written.write_value(key, value, 0.0)  # pyright: ignore[reportUnknownMemberType]
    written.close()
    new.chmod(0o600)
    plan.write_text(json.dumps(added))
    # From here on the files count as added.
    new.replace(total)
    _finish(folder, kind)


def _finish(folder: Path, kind: str) -> None:
    """Remove the files that a plan names if they are added, else forget the plan."""
    _, new, plan = _places(folder, kind)
    if not plan.exists():
        new.unlink(missing_ok=True)
        return
    if new.exists():
        new.unlink()
    else:
        with suppress(ValueError):
            for name in cast('list[str]', json.loads(plan.read_text())):
                (folder / Path(name).name).unlink(missing_ok=True)
    plan.unlink()


def _places(folder: Path, kind: str) -> tuple[Path, Path, Path]:
    """The file of what is added up, its next version, and the names of the files that this adds."""
    return folder / f'{kind}_{ENDED}.db', folder / f'{kind}_{ENDED}.new', folder / f'{kind}_{ENDED}.plan'


def _values(file: Path) -> Iterable[tuple[str, float]]:
    read = cast('Iterable[tuple[str, float, float, int]]', MmapedDict.read_all_values_from_file(str(file)))  # pyright: ignore[reportUnknownMemberType]
    for key, value, _, _ in read:
        yield key, value


def _ended(folder: Path) -> Iterable[str]:
    """The ids of the processes that do not live any more, of those that showed that they did."""
    own = str(os.getpid())
    for file in folder.glob(f'*{ALIVE}'):
        pid = file.name.removesuffix(ALIVE)
        if pid == own or not pid.isdecimal():
            continue
        with suppress(OSError):
            held = os.open(file, os.O_RDWR | os.O_CLOEXEC)
            try:
                if _is_free(held):
                    yield pid
            finally:
                os.close(held)


def _is_free(held: int) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Generator[None]:
    if fcntl is None:
        yield
        return
    held = open_to_write(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(held)
