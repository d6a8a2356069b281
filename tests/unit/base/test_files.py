"""Files at paths that a user names: what is read and written, and what is refused."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from streamtap._base.files import check_private_folder, open_to_read, open_to_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, 'geteuid'), reason='this platform has other rights')


def write(path: Path) -> None:
    os.close(open_to_write(path, os.O_WRONLY))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


def a_device(path: Path) -> None:
    path.symlink_to('/dev/zero')


def a_folder(path: Path) -> None:
    path.mkdir()


def never(_: object) -> bool:
    return False


def me(_: int) -> Named:
    return Named(pw_name='me')


KINDS = pytest.mark.parametrize(
    ('make', 'why'),
    [
        (a_folder, 'is a folder, and not a file'),
        (os.mkfifo, 'is a pipe, a device or a socket, and not a regular file'),
        (a_socket, 'is a pipe, a device or a socket, and not a regular file'),
        (a_device, 'is a pipe, a device or a socket|is a symbolic link'),
    ],
    ids=['a folder', 'a pipe', 'a socket', 'a device'],
)


@KINDS
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], why: str
):
    """At once, without waiting for the other end of a pipe."""
    monkeypatch.chdir(tmp_path)  # A socket's path must be short.
    path = tmp_path / 'f'
    make(path.relative_to(tmp_path))
    for opening in (open_to_read, write):
        with pytest.raises(OSError, match=why):
            opening(path)


def test_a_new_file_is_for_this_user_only(tmp_path: Path):
    """Whatever the process's own mask is; one that is there keeps its mode."""
    before = os.umask(0)
    try:
        write(tmp_path / 'new')
    finally:
        os.umask(before)
    (tmp_path / 'old').touch(0o640)
    (tmp_path / 'old').chmod(0o640)
    write(tmp_path / 'old')
    assert (mode(tmp_path / 'new'), mode(tmp_path / 'old')) == (0o600, 0o640)


def test_links_are_followed_to_read_and_not_to_write(tmp_path: Path):
    """Someone else may have put one there; also one that leads nowhere."""
    (tmp_path / 'real').write_bytes(b'there')
    (tmp_path / 'link').symlink_to('real')
    (tmp_path / 'dangling').symlink_to('nowhere')
    with open_to_read(tmp_path / 'link') as file:
        assert file.read() == b'there'
    for name in ('link', 'dangling'):
        with pytest.raises(OSError, match='is a symbolic link, which is not followed: name the file that it leads to'):
            write(tmp_path / name)
    assert not (tmp_path / 'nowhere').exists()


def test_a_link_that_is_put_there_just_before_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """After the path was looked at, before it is opened."""
    (tmp_path / 'link').symlink_to('nowhere')
    monkeypatch.setattr(os.path, 'lexists', never)
    with pytest.raises(OSError, match='symbolic links'):
        write(tmp_path / 'link')
    assert not (tmp_path / 'nowhere').exists()


def test_a_file_with_a_second_name_is_not_written(tmp_path: Path):
    """That name may be one that matters."""
    (tmp_path / 'precious').touch(0o600)
    (tmp_path / 'f').hardlink_to(tmp_path / 'precious')
    with pytest.raises(OSError, match='has a second name'):
        write(tmp_path / 'f')


def test_what_belongs_to_somebody_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """They could read or change it."""
    (tmp_path / 'f').touch(0o600)
    monkeypatch.setattr(os, 'geteuid', lambda: os.getuid() + 1)
    with pytest.raises(PermissionError, match=f'belongs to user {os.getuid()}, and not to {os.getuid() + 1}'):
        write(tmp_path / 'f')
    if os.getuid():
        with pytest.raises(PermissionError, match='belongs to user'):
            check_private_folder(tmp_path)


@pytest.mark.parametrize('rights', [0o602, 0o620])
def test_what_others_may_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rights: int):
    """With what to do; a group of which the user is the only member is nobody else."""
    monkeypatch.setattr('streamtap._base.files.grp.getgrgid', group('staff'))
    (tmp_path / 'f').touch()
    (tmp_path / 'f').chmod(rights)
    with pytest.raises(PermissionError, match=rf'can be written by others \(its mode is {rights:o}\): chmod go-w'):
        write(tmp_path / 'f')
    folder = tmp_path / 'folder'
    folder.mkdir()
    folder.chmod(rights | 0o100)
    with pytest.raises(PermissionError, match='chmod go-w'):
        check_private_folder(folder)


@pytest.mark.parametrize(
    ('members', 'is_refused'), [([], False), (['me'], False), (['me', 'another'], True)], ids=['none', 'me', 'others']
)
def test_a_group_of_one_is_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: list[str], *, is_refused: bool
):
    """Some systems make one for each user, and let it write what the user makes."""
    monkeypatch.setattr('streamtap._base.files.grp.getgrgid', group('me', *members))
    monkeypatch.setattr('streamtap._base.files.pwd.getpwuid', me)
    (tmp_path / 'f').touch()
    (tmp_path / 'f').chmod(0o660)
    if is_refused:
        with pytest.raises(PermissionError):
            write(tmp_path / 'f')
    else:
        write(tmp_path / 'f')


class Named:
    """A user or a group."""

    def __init__(self, **names: object) -> None:
        self.__dict__.update(names)


def group(name: str, *members: str) -> Callable[[int], Named]:
    return lambda _: Named(gr_name=name, gr_mem=members)
