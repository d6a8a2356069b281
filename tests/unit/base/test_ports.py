"""Who listens on a port."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from streamtap._base.ports import is_held_by_relative

if TYPE_CHECKING:
    from pathlib import Path

PORT = 9464
HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
LISTENS = f'   0: 0100007F:{PORT:04X} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0\n'


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """What a kernel tells: one socket that listens, and nobody yet who has it."""
    (tmp_path / 'net').mkdir()
    (tmp_path / 'net' / 'tcp').write_text(HEADER + LISTENS)
    return tmp_path


def process(proc: Path, pid: int, parent: int, *files: str) -> None:
    """Another process, with what it has open."""
    (proc / str(pid) / 'fd').mkdir(parents=True)
    (proc / str(pid) / 'stat').write_text(f'{pid} (a worker) 1) S {parent} 1 1 0 -1')
    for number, file in enumerate(files):
        (proc / str(pid) / 'fd' / str(number)).symlink_to(file)


@pytest.mark.parametrize(
    ('pid', 'parent', 'is_relative'),
    [
        (99_999_901, os.getppid(), True),
        (os.getppid(), 1, True),
        (99_999_901, 1, False),
        (99_999_901, os.getpid(), False),
        (os.getpid(), os.getppid(), False),
    ],
    ids=['sibling', 'parent', 'stranger', 'child', 'itself'],
)
def test_a_relative_is_the_parent_or_another_child_of_it(proc: Path, pid: int, parent: int, *, is_relative: bool):
    """Who has the socket that listens."""
    process(proc, pid, parent, '/dev/null', 'socket:[4242]')
    assert is_held_by_relative(PORT, proc) is is_relative


def test_a_server_may_be_the_first_process_of_a_container(proc: Path, monkeypatch: pytest.MonkeyPatch):
    """Which init, another program, is elsewhere."""
    monkeypatch.setattr('os.getppid', lambda: 1)
    process(proc, 1, 0, 'socket:[4242]')
    process(proc, os.getpid(), 1)
    (proc / str(os.getpid()) / 'exe').symlink_to('/usr/bin/python3')
    (proc / '1' / 'exe').symlink_to('/sbin/init')
    assert not is_held_by_relative(PORT, proc)
    (proc / '1' / 'exe').unlink()
    (proc / '1' / 'exe').symlink_to('/usr/bin/python3')
    assert is_held_by_relative(PORT, proc)


@pytest.mark.parametrize(
    ('command', 'is_relative'), [('spawn_main(pipe_handle=9)', True), ('another_application', False)]
)
def test_what_else_the_parent_started_is_no_relative(proc: Path, command: str, *, is_relative: bool):
    """A shell or a supervisor may have several applications; of one server's workers only numbers differ."""
    process(proc, 99_999_901, os.getppid(), 'socket:[4242]')
    process(proc, os.getpid(), os.getppid())
    (proc / str(os.getpid()) / 'cmdline').write_text('spawn_main(pipe_handle=7)')
    (proc / '99999901' / 'cmdline').write_text(command)
    assert is_held_by_relative(PORT, proc) is is_relative


def test_other_ports_and_other_sockets_do_not_count(proc: Path):
    """Nor connections to the port."""
    process(proc, 99_999_901, os.getppid(), 'socket:[4243]')
    assert not is_held_by_relative(PORT, proc)
    process(proc, 99_999_902, os.getppid(), 'socket:[4242]')
    assert is_held_by_relative(PORT, proc)
    assert not is_held_by_relative(PORT + 1, proc)
    (proc / 'net' / 'tcp').write_text(HEADER + LISTENS.replace(' 0A ', ' 01 '))
    assert not is_held_by_relative(PORT, proc)


def test_where_nothing_tells_a_process_that_multiprocessing_did_not_start_has_no_relatives(tmp_path: Path):
    """As on a Mac."""
    assert not is_held_by_relative(PORT, tmp_path)


@pytest.mark.skipif(sys.platform != 'linux', reason='elsewhere nothing tells who listens')
def test_ones_own_socket_is_no_relatives():
    """On this machine."""
    with socket.create_server(('127.0.0.1', 0)) as held:
        assert not is_held_by_relative(held.getsockname()[1])
