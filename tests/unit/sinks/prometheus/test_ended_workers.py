"""What is left of processes that have ended: one file for each type of metric, with their values added up."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from streamtap._sinks.metrics.catalogue import CATALOGUE
from streamtap._sinks.prometheus import ended_workers
from streamtap._sinks.prometheus.ended_workers import Liveness, add_up_ended
from streamtap._sinks.prometheus.multiprocess import EveryProcess
from support.paths import TESTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == 'win32', reason='Windows has no such locks')

OF_WHAT_LIVES = tuple(metric.name for metric in CATALOGUE if metric.type == 'gauge')

WORKER = """
import asyncio, os, sys
from support.scripted import agent
from streamtap import Tap

async def main():
    tap = Tap()
    await agent(['done'], capabilities=[tap.capability(stream=True)]).run('hello')

asyncio.run(main())
print('ready', flush=True)
sys.stdin.read()
"""


def worker(folder: Path) -> subprocess.Popen[str]:
    """A process that has run an agent once, and lives until it is told to end."""
    environment = {
        **os.environ,
        'PROMETHEUS_MULTIPROC_DIR': str(folder),
        'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path]),
    }
    started = subprocess.Popen(
        [sys.executable, '-c', WORKER], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == 'ready\n'
    return started


def write(file: Path, name: str, value: float) -> None:
    """A file with one series, as prometheus_client writes it."""
    values = MmapedDict(str(file))
    values.write_value(mmap_key(name, f'{name}_total', ['agent'], ['a'], 'help'), value, 0.0)  # pyright: ignore[reportUnknownMemberType]
    values.close()


def ended(folder: Path, pid: int, value: float) -> None:
    """The files of a process that has ended, and that had counted."""
    write(folder / f'counter_{pid}.db', 'runs', value)
    (folder / f'{pid}.alive').touch(mode=0o600)


def collected(folder: Path) -> dict[str, float]:
    """What a scrape says, by name and labels."""
    samples = [sample for family in EveryProcess(folder).collect() for sample in family.samples]
    return {f'{sample.name} {sorted(sample.labels.items())}': sample.value for sample in samples}


def counted(folder: Path) -> dict[str, float]:
    """The same without gauges, which are of what lives."""
    return {name: value for name, value in collected(folder).items() if not name.startswith(OF_WHAT_LIVES)}


def files(folder: Path) -> list[str]:
    """The names of the files with values."""
    return sorted(file.name for file in folder.glob('*.db'))


def test_workers_that_come_and_go_leave_one_file_for_each_type(tmp_path: Path):
    """Whether they end by themselves or are killed, a scrape says the same before and after, and then goes on."""
    first, killed, alive = worker(tmp_path), worker(tmp_path), worker(tmp_path)
    before = counted(tmp_path)
    assert (
        before[
            "pydantic_ai_runs_total [('agent', 'scripted'), ('door', 'capability'), ('nested', 'false'), ('outcome', 'success')]"
        ]
        == 3
    )
    first.communicate('')
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert counted(tmp_path) == before
    kept = f'_{alive.pid}.db'
    assert [name for name in files(tmp_path) if not name.endswith(kept)] == [
        'counter_streamtap-ended.db',
        'histogram_streamtap-ended.db',
    ]
    again = worker(tmp_path)
    runs = next(name for name in before if name.startswith('pydantic_ai_runs_total') and "'success'" in name)
    assert counted(tmp_path)[runs] == 4
    for each in (alive, again):
        each.communicate('')
    assert counted(tmp_path)[runs] == 4
    assert files(tmp_path) == ['counter_streamtap-ended.db', 'histogram_streamtap-ended.db']


def test_a_forked_child_lives_by_itself(tmp_path: Path):
    """Its files are added when it has ended, though its parent goes on, and not before, though its parent has ended."""
    shown = Liveness(tmp_path)
    shown.show()
    read, wrote = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(wrote)
        write(tmp_path / f'counter_{os.getpid()}.db', 'runs', 1)
        shown.show()
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    while not (tmp_path / f'{child}.alive').exists():
        pass
    add_up_ended(tmp_path)
    assert not (tmp_path / 'counter_streamtap-ended.db').exists()
    os.close(wrote)
    os.waitpid(child, 0)
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 1}
    assert files(tmp_path) == ['counter_streamtap-ended.db']
    assert (tmp_path / f'{os.getpid()}.alive').exists()


class Killed(BaseException):
    """The process that adds up is killed."""


@pytest.mark.parametrize('step', range(9))
def test_who_adds_up_may_be_killed_at_any_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int):
    """What a scrape says afterwards is the same, and nothing is left behind."""
    ended(tmp_path, 1, 1)
    add_up_ended(tmp_path)
    ended(tmp_path, 2, 10)
    ended(tmp_path, 3, 100)
    taken = 0

    def dying(name: str) -> None:
        before = getattr(ended_workers.Path, name)

        def stepping(*arguments: object, **options: object) -> object:
            nonlocal taken
            taken += 1
            if taken > step:
                raise Killed
            return before(*arguments, **options)

        monkeypatch.setattr(ended_workers.Path, name, stepping)

    with monkeypatch.context():
        for name in ('unlink', 'replace', 'write_text', 'chmod'):
            dying(name)
        with pytest.raises(Killed):
            add_up_ended(tmp_path)
    monkeypatch.undo()
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 111}
    assert sorted(file.name for file in tmp_path.iterdir()) == ['counter_streamtap-ended.db', 'streamtap-ended.lock']


def test_files_of_a_process_that_shows_nothing_stay(tmp_path: Path):
    """It may live: another library may have made them."""
    write(tmp_path / 'counter_1.db', 'runs', 1)
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 1}
    assert files(tmp_path) == ['counter_1.db']


def test_gauges_of_what_lives_end_with_it(tmp_path: Path):
    """As `mark_process_dead` of prometheus_client does it; others are left as they are."""
    ended(tmp_path, 1, 1)
    for name in ('gauge_livesum_1.db', 'gauge_max_1.db'):
        write(tmp_path / name, 'open', 5)
    assert 'gauge_livesum_1.db' in files(tmp_path)
    add_up_ended(tmp_path)
    assert files(tmp_path) == ['counter_streamtap-ended.db', 'gauge_max_1.db']


@pytest.mark.parametrize(
    'broken', [b'', b'x', struct.pack('i', 4000) + bytes(60), struct.pack('iii', 64, 0, 20) + b'\xff' * 52]
)
def test_a_broken_file_costs_only_its_own_values(tmp_path: Path, broken: bytes):
    """It stays, and is counted, when its process has ended; the others are added up, and a scrape answers."""
    ended(tmp_path, 1, 1)
    ended(tmp_path, 2, 10)
    (tmp_path / 'counter_2.db').write_bytes(broken)
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 1, 'streamtap_multiprocess_broken_files []': 1}
    assert files(tmp_path) == ['counter_2.db', 'counter_streamtap-ended.db']


def test_what_was_added_up_is_kept_though_it_is_broken(tmp_path: Path):
    """Nothing is added to it: each file is read by itself, as before."""
    ended(tmp_path, 1, 1)
    (tmp_path / 'counter_streamtap-ended.db').write_bytes(b'x')
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 1, 'streamtap_multiprocess_broken_files []': 1}


def test_who_may_only_read_the_folder_can_scrape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Such as an exporter beside the workers: nothing is added up then."""
    ended(tmp_path, 1, 1)

    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(ended_workers, 'open_to_write', refused)
    assert collected(tmp_path) == {"runs_total [('agent', 'a')]": 1}
    assert files(tmp_path) == ['counter_1.db']
