"""The journal: what is written is read, whatever happens to the file."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
from hostile.records import RESPONSES, RUNS, TOOLS
from streamtap import BrokenJournalError, BrokenLine, CalledRuns, JournalSink, RunRecord, Tap, UsageSink, read_journal
from streamtap._records.as_json import encode, record_fields, record_name
from streamtap._sinks.journal.lines import SCHEMA, header_line, record_line
from streamtap._sinks.journal.reader import journal_files, read_lines
from streamtap.testing import MemorySink
from support.made_records import IDS, failed_run, full_response, read_run, run, tool
from support.scripted import agent, nap

if TYPE_CHECKING:
    from collections.abc import Callable

assert hostile  # Its settings: the same few examples in every run.


def broken_in(lines: bytes) -> tuple[list[object], list[BrokenLine]]:
    """The records of some lines, and what was broken."""
    broken: list[BrokenLine] = []
    return [*read_lines('j', io.BytesIO(lines), broken.append)], broken


def sink_at(path: Path, *, max_bytes: int = 10_000, keep: int = 3) -> JournalSink:
    return JournalSink(path, max_bytes=max_bytes, keep=keep)


@given(st.lists(RUNS | RESPONSES | TOOLS, max_size=5))
def test_what_is_written_is_read(records: list[object]):
    """Any record gives an equal one."""
    written = b''.join(record_line(record) for record in records)  # pyright: ignore[reportArgumentType]
    assert broken_in(header_line() + written) == (records, [])


@given(st.lists(RUNS | TOOLS, min_size=1, max_size=4), st.data())
def test_a_tear_loses_one_line_only(records: list[object], data: st.DataObject):
    """Wherever a crash cut the file, all lines before are whole, and so is what the next process appends."""
    lines = [record_line(record) for record in records]  # pyright: ignore[reportArgumentType]
    whole = b''.join(lines[:-1])
    cut = data.draw(st.integers(1, len(lines[-1]) - 2))
    after = record_line(run(run_id='after'))
    found, broken = broken_in(whole + lines[-1][:cut] + b'\n' + after)
    assert found == [*records[:-1], run(run_id='after')]
    assert [each.line for each in broken] == [len(records)]


def test_a_tap_writes_its_runs(tmp_path: Path):
    """Each run, response and tool call, as every other sink saw it."""
    path = tmp_path / 'runs.jsonl'
    with Tap([UsageSink(), JournalSink(path)]) as tap:
        asyncio.run(agent([nap(0.01, 'n')], ['done'], capabilities=[tap.capability()]).run('a secret prompt'))
    again = UsageSink()
    for record in read_journal(path):
        getattr(
            again,
            {'RunRecord': 'run_ended', 'ResponseRecord': 'response_ended'}.get(type(record).__name__, 'tool_ended'),
        )(record)
    assert again.summary() == tap.usage.summary()
    assert 'secret' not in path.read_text(encoding='utf-8')


def test_the_first_line_says_how_to_read_the_others(tmp_path: Path):
    """Each opening of a file writes one."""
    path = tmp_path / 'j'
    for _ in range(2):
        sink = sink_at(path)
        sink.run_ended(run())
        sink.close()
    lines = [json.loads(line) for line in path.read_text(encoding='utf-8').splitlines()]
    assert [line['record'] for line in lines] == ['journal', 'run', 'journal', 'run']
    assert (lines[0]['schema'], lines[0]['pid']) == (SCHEMA, os.getpid())


def test_a_torn_file_is_gone_on_with_on_a_new_line(tmp_path: Path):
    """What a killed process left does not harm the next one's first line."""
    path = tmp_path / 'j'
    path.write_bytes(header_line() + record_line(run(run_id='before')) + record_line(run())[:50])
    sink = sink_at(path)
    sink.tool_ended(tool())
    sink.close()
    broken: list[BrokenLine] = []
    assert [*read_journal(path, on_broken=broken.append)] == [run(run_id='before'), tool()]
    assert [(each.file, each.line) for each in broken] == [(str(path), 3)]
    with pytest.raises(BrokenJournalError, match='j:3: not JSON: EOF while parsing'):
        list(read_journal(path))


def test_a_killed_process_leaves_whole_lines(tmp_path: Path):
    """Nothing waits in a buffer of its own."""
    path = tmp_path / 'j'
    program = (
        'import os, signal, sys; from support.made_records import run; from streamtap import JournalSink\n'
        f'sink = JournalSink({str(path)!r})\n'
        'for number in range(20): sink.run_ended(run(run_id=str(number)))\n'
        'os.kill(os.getpid(), signal.SIGKILL)'
    )
    subprocess.run(
        [sys.executable, '-c', program],
        check=False,
        timeout=60,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)},
    )
    assert [*read_journal(path)] == [run(run_id=str(number)) for number in range(20)]


def test_it_rotates_by_size_and_keeps_so_many(tmp_path: Path):
    """The newest records, in order, in files that each are readable by themselves."""
    path = tmp_path / 'j'
    sink = sink_at(path, max_bytes=900, keep=2)
    for number in range(40):
        sink.run_ended(run(run_id=str(number)))
    sink.close()
    assert [file.name for file in journal_files(path)] == ['j.2', 'j.1', 'j']
    assert all(file.stat().st_size <= 900 for file in journal_files(path))
    assert all(file.read_bytes().startswith(b'{"record":"journal"') for file in journal_files(path))
    kept = [record.run_id for record in read_journal(path)]
    assert kept == [str(number) for number in range(40 - len(kept), 40)]
    assert len(kept) > 9


def test_a_line_larger_than_a_file_is_written_all_the_same(tmp_path: Path):
    """In a file of its own."""
    path = tmp_path / 'j'
    sink = sink_at(path, max_bytes=10, keep=3)
    for number in range(3):
        sink.run_ended(run(run_id=str(number)))
    sink.close()
    assert [record.run_id for record in read_journal(path)] == ['0', '1', '2']
    assert len(journal_files(path)) == 3


def test_what_is_moved_away_is_begun_anew(tmp_path: Path):
    """A program that rotates logs may take the file at any time."""
    path = tmp_path / 'j'
    sink = sink_at(path)
    sink.run_ended(run(run_id='0'))
    path.rename(tmp_path / 'taken')
    sink.run_ended(run(run_id='1'))
    sink.close()
    assert [record.run_id for record in read_journal(path)] == ['1']
    assert [record.run_id for record in read_journal(tmp_path / 'taken')] == ['0']


def test_two_do_not_write_one_file(tmp_path: Path):
    """The second tap is told so when it is made, and what to do."""
    path = tmp_path / 'j'
    first = sink_at(path)
    first.run_ended(run())
    with pytest.raises(BlockingIOError, match=r'\{pid\}'):
        Tap([sink_at(path)])
    first.close()
    second = sink_at(path)
    Tap([second])
    second.run_ended(run())
    second.close()
    assert [*read_journal(path)] == [run(), run()]


def test_two_taps_may_share_a_sink(tmp_path: Path):
    """It is one writer."""
    sink = sink_at(tmp_path / 'j')
    with Tap([sink]), Tap([sink]):
        sink.run_ended(run())
        sink.run_ended(run())
    sink.close()
    assert [*read_journal(tmp_path / 'j')] == [run(), run()]


def _write_in_child(sink: JournalSink) -> None:
    sink.run_ended(run(run_id='child'))
    sink.close()


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='this platform does not fork')
@pytest.mark.filterwarnings('ignore:.*fork:DeprecationWarning')
def test_a_fork_writes_a_file_of_its_own(tmp_path: Path):
    """With the process's id in the path, as under a pre-forking server."""
    sink = JournalSink(f'{tmp_path}/runs-{{pid}}.jsonl')
    sink.run_ended(run(run_id='parent'))
    child = multiprocessing.get_context('fork').Process(target=_write_in_child, args=(sink,))
    child.start()
    child.join(30)
    sink.run_ended(run(run_id='parent again'))
    sink.close()
    found = {path.name: [record.run_id for record in read_journal(path)] for path in tmp_path.iterdir()}
    assert found == {
        f'runs-{os.getpid()}.jsonl': ['parent', 'parent again'],
        f'runs-{child.pid}.jsonl': ['child'],
    }


@pytest.mark.parametrize(
    ('line', 'why'),
    [
        (b'{"record":"run"', 'not JSON: EOF while parsing an object at column 15 (truncated?)'),
        (b'[]', 'not a JSON object'),
        (b'"run"', 'not a JSON object'),
        (b'{}', 'no "record"'),
        (b'{"record":"walk"}', 'unknown type'),
        (b'{"record":"journal"}', 'a header without a schema'),
        (b'{"record":"run"}', 'run_id: Field required'),
        (record_line(run()).replace(b'"success"', b'"splendid"'), 'outcome: Input should be'),
        (record_line(run()).replace(b'4.0', b'"\x1b[2J"'), 'not JSON: control character'),
        (record_line(run()).replace(b'4.0', b'"long"'), 'duration: Input should be a valid number'),
        (b'\xff\xfe', 'not '),
        (b'[' * 100_000, 'not JSON'),
        (b'9' * 5000, 'not JSON'),
    ],
)
def test_a_broken_line_is_reported_with_its_number(line: bytes, why: str):
    """And shown to nobody; the rest is read."""
    found, broken = broken_in(header_line() + record_line(run()) + line.rstrip() + b'\n\n' + record_line(tool()))
    assert found == [run(), tool()]
    assert [(each.file, each.line) for each in broken] == [('j', 3)]
    assert broken[0].why.startswith(why)
    assert 'splendid' not in str(broken[0])


def test_a_format_that_is_not_known_is_left_out():
    """It is told once, and not every line of it."""
    newer = header_line().replace(b'"schema":1', b'"schema":2')
    lines = record_line(run(run_id='0')) + newer + b'{"record":"dance"}\n' + record_line(run()) + header_line()
    found, broken = broken_in(lines + record_line(run(run_id='1')))
    assert found == [run(run_id='0'), run(run_id='1')]
    assert [str(each) for each in broken] == ['j:2: what follows has schema 2, and this streamtap reads 1']


def test_a_field_of_a_later_version_is_left_out():
    """So that an older streamtap reads a newer journal of the same schema."""
    line = record_line(failed_run(**IDS)).replace(b'{"record"', b'{"mood":"good","record"')
    assert broken_in(line) == ([failed_run(**IDS)], [])


def test_what_a_reader_saw_is_read_back():
    """All of it."""
    assert broken_in(record_line(read_run())) == ([read_run()], [])


def test_the_format_stays():
    """What a line looks like is public: tools of others read it."""
    assert json.loads(record_line(full_response(labels={'tier': 'gold'}))) == {
        'record': 'response', 'run_id': 'r', 'step': 1, 'attempt': 1, 'agent': 'a', 'root_agent': 'boss',
        'provider': 'p', 'model': 'm', 'door': 'capability', 'labels': {'tier': 'gold'}, 'started_ns': 0,
        'duration': 1.5, 'streamed': True, 'outcome': 'success', 'time_to_first_token': 0.4,
        'time_to_first_output': 0.6, 'chunks': 4, 'inter_chunk_latencies': {'buckets': [[215, 2], [274, 1]]},
        'inter_chunk_latency_sum': 0.34, 'max_inter_chunk_latency': 0.3, 'stalls': 2, 'stall_seconds': 12.5,
        'output_tokens_per_second': 55.0, 'input_tokens': 300, 'output_tokens': 20, 'cache_read_tokens': 100,
        'cache_write_tokens': 7, 'reasoning_tokens': 5, 'usage_reported': True, 'usage_complete': True,
        'cost_usd': 0.25, 'cost_source': 'list', 'finish_reason': 'stop',
        'parts': [{'index': 0, 'kind': 'text', 'tool': None, 'tool_call_id': None, 'start': 0.4, 'duration': 0.3, 'chunks': 4}],
    }  # fmt: skip
    assert json.loads(record_line(run(called=CalledRuns(runs=1), duration=None))) == {
        'record': 'run', 'run_id': 'r', 'agent': 'a', 'root_agent': 'a', 'door': 'capability', 'started_ns': 0,
        'duration': None, 'outcome': 'success', 'called': {'runs': 1},
    }  # fmt: skip


@given(RUNS | RESPONSES | TOOLS)
def test_a_line_with_every_field_is_read_as_well(record: Any):
    """As other programs write it, and as every line was before fields with their default were left out."""
    line = encode({'record': record_name(record), **record_fields(record)})
    assert broken_in(line) == ([record], [])


def test_a_file_that_cannot_be_written_is_refused_with_the_tap(tmp_path: Path):
    """Not when the first run ends."""
    with pytest.raises(FileNotFoundError, match='there is no folder'):
        Tap([JournalSink(tmp_path / 'nowhere' / 'j')])
    with pytest.raises(IsADirectoryError):
        Tap([JournalSink(tmp_path)])


def test_bad_input_is_refused(tmp_path: Path):
    """At construction."""
    with pytest.raises(ValueError, match='keep must be at least 1'):
        JournalSink(tmp_path / 'j', keep=0)
    with pytest.raises(TypeError, match='max_bytes must be a whole number'):
        JournalSink(tmp_path / 'j', max_bytes=1e6)  # pyright: ignore[reportArgumentType]


def test_a_full_disk_tears_no_other_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Half a line is followed by a new one when there is room again."""
    sink = sink_at(tmp_path / 'j')
    sink.run_ended(run(run_id='0'))
    with monkeypatch.context() as patched:
        patched.setattr(os, 'write', lambda descriptor, line, write=os.write: write(descriptor, line[:9]))  # pyright: ignore
        with pytest.raises(OSError, match='only part of a line'):
            sink.run_ended(run(run_id='1'))
    sink.run_ended(run(run_id='2'))
    sink.close()
    broken: list[BrokenLine] = []
    assert [record.run_id for record in read_journal(tmp_path / 'j', on_broken=broken.append)] == ['0', '2']
    assert [each.line for each in broken] == [3]


def test_a_file_that_cannot_rotate_stays_within_its_size(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """What does not fit is dropped and counted each time, and told once; when it can be rotated again, it goes on."""
    (tmp_path / 'j.1').mkdir()
    (tmp_path / 'j.1' / 'in the way').touch()
    sink, seen = sink_at(tmp_path / 'j', max_bytes=600, keep=1), MemorySink()
    with Tap([sink, seen]) as tap:
        for number in range(20):
            sink_calls(tap, run(run_id=str(number)))
        tap.flush()
        written = io.BytesIO((tmp_path / 'j').read_bytes())
        kept = [record.run_id for record in read_lines('j', written, print)]
        assert kept == [str(number) for number in range(len(kept))]
        assert 2 < len(kept) < 20
        assert (tmp_path / 'j').stat().st_size <= 600
        assert [(fault.kind, fault.subject) for fault in seen.faults] == [('error', 'JournalSink')] * (20 - len(kept))
        assert [each.message[:40] for each in caplog.records] == ['streamtap: JournalSink failed with IsADi']
        (tmp_path / 'j.1').rename(tmp_path / 'aside')
        sink_calls(tap, run(run_id='at last'))
    assert [record.run_id for record in read_journal(tmp_path / 'j')] == [*kept, 'at last']


def sink_calls(tap: Tap, record: RunRecord) -> None:
    """Hand a record to the sinks of a tap, as the end of a run does."""
    tap._out.run_ended(record)  # pyright: ignore[reportPrivateUsage]


def test_a_rotation_that_is_tried_again_loses_no_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files are moved up to the first free number only."""
    sink = sink_at(tmp_path / 'j', max_bytes=200, keep=4)
    for number in range(8):
        sink.run_ended(run(run_id=str(number)))
    before = [record.run_id for record in read_journal(tmp_path / 'j')]
    assert len(journal_files(tmp_path / 'j')) == 5
    stuck = tmp_path / 'j.1'

    def replace(path: Path, target: Path, really: Callable[[Path, Path], Path] = Path.replace) -> Path:
        if path == stuck:
            raise PermissionError
        return really(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, 'replace', replace)
        for number in range(8, 16):
            with contextlib.suppress(PermissionError):
                sink.run_ended(run(run_id=str(number)))
    sink.close()
    # The first try made room for the one that is stuck.
    assert [record.run_id for record in read_journal(tmp_path / 'j')][-len(before) + 1 :] == before[-len(before) + 1 :]


def test_only_this_user_can_read_what_is_written(tmp_path: Path):
    """The file, and the one after it is rotated."""
    before = os.umask(0o002)
    try:
        sink = sink_at(tmp_path / 'j', max_bytes=200)
        for number in range(5):
            sink.run_ended(run(run_id=str(number)))
        sink.close()
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in journal_files(tmp_path / 'j')} == {0o600}


def test_a_link_is_not_written_through(tmp_path: Path):
    """Neither when the tap is made, nor when one is put in the journal's place later."""
    (tmp_path / 'precious').write_text('as it was', encoding='utf-8')
    (tmp_path / 'j').symlink_to('precious')
    with pytest.raises(OSError, match='is a symbolic link'):
        Tap([sink_at(tmp_path / 'j')])
    (tmp_path / 'j').unlink()
    sink = sink_at(tmp_path / 'j')
    sink.run_ended(run())
    (tmp_path / 'j').rename(tmp_path / 'precious')
    (tmp_path / 'j').symlink_to('precious')
    size = (tmp_path / 'precious').stat().st_size
    with pytest.raises(OSError, match='is a symbolic link'):
        sink.run_ended(run())
    assert (tmp_path / 'precious').stat().st_size == size


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path):
    """By whoever writes, and by whoever reads."""
    os.mkfifo(tmp_path / 'j')
    with pytest.raises(OSError, match='is a pipe, a device or a socket'):
        Tap([sink_at(tmp_path / 'j')])
    with pytest.raises(OSError, match='is a pipe, a device or a socket'):
        list(read_journal(tmp_path / 'j'))


def test_a_number_that_is_none_is_a_broken_line():
    """`NaN` would spoil every sum it is in."""
    line = record_line(run()).replace(b'"duration":', b'"duration":NaN,"was":')
    assert broken_in(line) == ([], [BrokenLine('j', 1, 'not JSON: expected value at column 105')])
