"""prometheus_client's multiprocess mode, in which a collector's values never leave the process."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from streamtap._sinks.prometheus.multiprocess import EveryProcess
from support.paths import TESTS

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import asyncio, sys, time
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from support.scripted import Calls, agent
from streamtap import Tap

tap = Tap()

def value(name):
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    lines = generate_latest(registry).decode().splitlines()
    return [line.rpartition(' ')[2] for line in lines if line.startswith(name + '{') and 'inf_' not in line]

async def main():
    run = asyncio.create_task(
        agent([Calls('nap', '{"seconds":30}')], capabilities=[tap.capability(stream=True)]).run('hello')
    )
    deadline = time.monotonic() + 20
    while value('pydantic_ai_runs_in_progress') != ['1.0']:
        assert time.monotonic() < deadline, value('pydantic_ai_runs_in_progress')
        await asyncio.sleep(0.1)
    while value('pydantic_ai_tools_in_progress') != ['1.0']:
        assert time.monotonic() < deadline, value('pydantic_ai_tools_in_progress')
        await asyncio.sleep(0.1)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    while value('pydantic_ai_runs_in_progress') != ['0.0']:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert sum(map(float, value('pydantic_ai_runs_total'))) == 1
    assert sum(map(float, value('pydantic_ai_inter_chunk_latency_seconds_count'))) == 0
    assert value('streamtap_build_info') == ['1.0']
    print('ok')

asyncio.run(main())
"""


def test_a_directory_that_is_missing_is_refused(tmp_path: Path):
    """When the tap is made, with what to do."""
    missing = tmp_path / 'none'
    done = subprocess.run(
        [sys.executable, '-c', 'from streamtap import Tap; Tap()'],
        env={**os.environ, 'PROMETHEUS_MULTIPROC_DIR': str(missing)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    said = f'is {str(missing)!r}, which is not a directory: create it, empty, before the processes start'
    assert done.stderr.splitlines()[-1] == f'ValueError: PROMETHEUS_MULTIPROC_DIR {said}'


def test_gauges_are_written_while_a_run_is_open(tmp_path: Path):
    """Within a second, and back to 0 when it ends; counters are summed as ever."""
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM],
        env={
            **os.environ,
            'PROMETHEUS_MULTIPROC_DIR': str(tmp_path),
            'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert (done.stdout.strip(), done.returncode) == ('ok', 0), done.stderr


def test_a_scrape_waits_for_the_file_of_a_process_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It is empty for a moment, which prometheus_client alone takes for damage."""
    made = tmp_path / 'counter_1.db'
    made.touch()

    def sleep(seconds: float) -> None:
        made.write_bytes(bytes(8))

    monkeypatch.setattr('streamtap._sinks.prometheus.multiprocess.time.sleep', sleep)
    assert list(EveryProcess(tmp_path).collect()) == []


def write(file: Path, name: str, value: float) -> None:
    """A file with one counter, as prometheus_client writes it."""
    values = MmapedDict(str(file))
    values.write_value(mmap_key(name, f'{name}_total', ['agent'], ['a'], 'help'), value, 0.0)  # pyright: ignore[reportUnknownMemberType]
    values.close()


def collected(every: EveryProcess) -> dict[str, float]:
    return {sample.name: sample.value for family in every.collect() for sample in family.samples}


BROKEN: dict[str, bytes] = {
    'empty': b'',
    'cut short': struct.pack('i', 4000) + bytes(60),
    'says more than it has': struct.pack('i', 2**31 - 1) + bytes(4) + struct.pack('i', 5000),
    'a negative length': struct.pack('ii', 64, 0) + struct.pack('i', -28) + bytes(52),
    'no text': struct.pack('iii', 64, 0, 20) + b'\xff' * 52,
    'no JSON': struct.pack('iii', 64, 0, 20) + b'x' * 52,
    'other JSON': struct.pack('iii', 64, 0, 20) + b'[1]'.ljust(52),
    'noise': bytes(range(256)) * 16,
}


def test_a_broken_file_costs_only_its_own_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The values of the others are there; the log names it once, a metric counts it, and no later scrape waits for it."""
    pauses: list[float] = []
    monkeypatch.setattr('streamtap._sinks.prometheus.multiprocess.time.sleep', pauses.append)
    for number in (1, 2):
        write(tmp_path / f'counter_{number}.db', 'whole', number)
    every = EveryProcess(tmp_path)
    assert collected(every) == {'whole_total': 3.0}
    for place, content in enumerate(BROKEN.values(), 3):
        (tmp_path / f'counter_{place}.db').write_bytes(content)
    (tmp_path / 'gauge.db').write_bytes((tmp_path / 'counter_1.db').read_bytes())
    (tmp_path / 'counter_99.db').mkdir()
    os.mkfifo(tmp_path / 'counter_100.db')
    for _ in range(3):
        assert collected(every) == {'whole_total': 3.0, 'streamtap_multiprocess_broken_files': len(BROKEN) + 3}
    assert len(pauses) == 4
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith('streamtap: 11 files of PROMETHEUS_MULTIPROC_DIR are broken')
    assert said.count('.db') == 5


@pytest.mark.parametrize('content', BROKEN.values(), ids=BROKEN)
def test_each_kind_of_broken_file_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes):
    """Whatever prometheus_client makes of it."""
    pauses: list[float] = []
    monkeypatch.setattr('streamtap._sinks.prometheus.multiprocess.time.sleep', pauses.append)
    write(tmp_path / 'counter_1.db', 'whole', 1)
    (tmp_path / 'counter_2.db').write_bytes(content)
    assert collected(EveryProcess(tmp_path)) == {'whole_total': 1.0, 'streamtap_multiprocess_broken_files': 1}


def test_a_file_that_is_gone_is_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its process ended between two looks at the folder."""
    write(tmp_path / 'counter_1.db', 'whole', 1)
    (tmp_path / 'counter_2.db').touch()

    def sleep(_: float) -> None:
        (tmp_path / 'counter_2.db').unlink(missing_ok=True)

    monkeypatch.setattr('streamtap._sinks.prometheus.multiprocess.time.sleep', sleep)
    assert collected(EveryProcess(tmp_path)) == {'whole_total': 1.0}


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path):
    """They could make up numbers, or have the processes write through links; it says what to do."""
    tmp_path.chmod(0o777)
    done = subprocess.run(
        [sys.executable, '-c', 'from streamtap import Tap; Tap()'],
        env={**os.environ, 'PROMETHEUS_MULTIPROC_DIR': str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.stderr.splitlines()[-1] == (
        f'ValueError: PROMETHEUS_MULTIPROC_DIR is {str(tmp_path)!r}, which can be written by others (its mode is 777): '
        'chmod go-w; or create a folder in it, with mkdir -m 700'
    )


LOST = """
import asyncio, sys
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import generate_latest
from opentelemetry.sdk.trace import TracerProvider
from support.scripted import agent
from streamtap import OTelSpanSink, PrometheusSink, Tap
from streamtap._sinks.prometheus.multiprocess import scraped

tap = Tap([PrometheusSink(), OTelSpanSink(TracerProvider())])
asyncio.run(agent(['hi'], capabilities=[tap.capability()]).run('hello'))
print(generate_latest(scraped(REGISTRY)).decode())
"""


@pytest.mark.parametrize('is_multiprocess', [False, True], ids=['one process', 'multiprocess'])
def test_what_multiprocess_mode_lacks(tmp_path: Path, *, is_multiprocess: bool):
    """Exemplars, and when a series began; prometheus_client writes neither into its files, nor metrics of the process."""
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path])}
    if is_multiprocess:
        environment['PROMETHEUS_MULTIPROC_DIR'] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, '-c', LOST], env=environment, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert 'pydantic_ai_run_duration_seconds_bucket{' in done.stdout
    for what in (' # {', 'pydantic_ai_runs_created{', 'process_cpu_seconds_total'):
        assert (what in done.stdout) is not is_multiprocess, what
