"""Journals that nobody writes: a line that is no record is named and left out, and the rest is reported."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile.journals import CHECKS, KINDS, LARGE_KINDS, NO_NUMBERS, SEEDS, WHOLE, changed_lines, check, read, reported
from hostile.texts import TEXTS
from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from streamtap._sinks.journal.reader import MAX_LINE, read_lines
from support.made_records import full_response, run, tool
from support.paths import TESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamtap._records.as_json import Record
    from streamtap._report.options import Format

GOOD = [record_line(run(run_id=str(number), agent='good')) for number in range(3)]


@pytest.mark.parametrize('record', WHOLE, ids=['response', 'tool', 'run'])
def test_no_field_takes_what_it_cannot_hold(record: Record):
    """Each field, with each kind of value, makes a sound record, or a broken line that names the field and not its value."""
    tried: Counter[tuple[str, bool]] = Counter()
    wrong: list[str] = []
    for each in changed_lines(record):
        records, broken = read(each.line)
        assert len(records) + len(broken) == 1, str(each)
        tried[each.kind, bool(records)] += 1
        if each.was_number and each.kind in NO_NUMBERS and records:
            wrong.append(str(each))
        if broken and not broken[0].why.startswith(('not JSON', 'no "record"', 'unknown', 'more than')):
            assert broken[0].why.startswith(str(each.place[0])), (str(each), broken[0].why)
    # It is only shown, and what a server says.
    assert wrong == (['response parts.0.index: -1'] if record is WHOLE[0] else [])
    assert {kind for kind, _ in tried} == {*KINDS, *LARGE_KINDS}
    assert all(tried[kind, True] for kind in ('null', 'missing', 'tiny', 'most'))
    assert not any(
        tried[kind, True] for kind in ('nan', 'inf', '-inf', '1e400', '1e308', '10**400', '10**5000', 'long')
    )


@pytest.mark.parametrize('form', CHECKS)
@pytest.mark.parametrize('compared', [False, True], ids=['alone', 'compared'])
def test_the_rest_is_reported(tmp_path: Path, form: Format, *, compared: bool):
    """Whatever else is in the journal."""
    lines = [each.line for each in changed_lines() if each.kind in KINDS]
    data = b''.join([header_line(), *GOOD, *lines, *GOOD])
    path = tmp_path / 'j'
    path.write_bytes(data)
    text = reported(path, form, len(data), before=path if compared else None)
    CHECKS[form](text)
    assert 'good' in text
    assert 'HYPERLINK' in text


def named(name: str) -> bytes:
    """The line of a tool of this name, which may be longer than a name can be."""
    return record_line(tool(tool=name[:300]))


JOURNAL_LINES = st.one_of(
    st.sampled_from([record_line(record) for record in WHOLE]),
    st.sampled_from([each.line for each in changed_lines() if each.kind in KINDS]),
    st.sampled_from([header_line(), header_line().replace(b'"schema":1', b'"schema":2'), b'\n', b'{}\n']),
    st.binary(max_size=50),
    TEXTS.map(named),
)


@given(lines=st.lists(JOURNAL_LINES, max_size=12), cut=st.integers(0, 400))
def test_any_journal_can_be_reported(lines: list[bytes], cut: int):
    """Lines of every kind in any order, torn at the end."""
    data = b''.join(lines)
    check(data[: len(data) - cut])


@pytest.mark.parametrize('seed', SEEDS)
def test_every_seed_can_be_reported(seed: str):
    """Where a fuzzer begins, nothing is wrong."""
    check(SEEDS[seed])


def endless() -> Iterable[bytes]:
    """100 MiB without an end of line, then a record."""
    yield from (b'x' * 2**20 for _ in range(100))
    yield b'\n'


def nested() -> Iterable[bytes]:
    """Each run was called by the next."""
    yield from (record_line(run(run_id=str(number), parent_run_id=str(number + 1))) for number in range(5_000))
    yield record_line(run(run_id='5000', duration=9.0))


def unended() -> Iterable[bytes]:
    """Responses with as many parts as they can have, of runs that never end."""
    parts = full_response().parts * 256
    return (record_line(full_response(run_id=str(number), parts=parts)) for number in range(1_200))


def of_many() -> Iterable[bytes]:
    """Each run by another agent."""
    return (record_line(run(run_id=str(number), agent=f'agent {number}')) for number in range(5_000))


def of_many_failures() -> Iterable[bytes]:
    """Each run fails in its own way, and long before."""
    for number in range(3_000):
        failed = {'outcome': 'error', 'error_type': f'Error{number}'}
        yield from (record_line(tool(run_id=str(number), tool=f'tool {number}', **failed)) for _ in range(5))
        yield record_line(run(run_id=str(number), agent=f'agent {number}', **failed))


def marked() -> Iterable[bytes]:
    """Stalls without number, and names of ten million characters."""
    line = record_line(full_response(stalls=2, stall_starts=(1.0,)))
    for _ in range(20):
        yield line.replace(b'[1.0]', b'[' + b'1,' * 200_000 + b'1]')
    yield line.replace(b'"a"', b'"' + b'a' * 10_000_000 + b'"')


CHOSEN = '--outcome=success', '--until=9998-12-31'
"""What chooses all that has ended, so that it is held back until then."""

FLEET = '--engine', 'duckdb'
"""What has DuckDB read them, which takes some memory of its own."""

PROGRAM = """
import sys
from streamtap import Tap  # What is imported is no memory for a journal.
from streamtap._cli import main
from streamtap._report import command

def peak():
    with open('/proc/self/status') as status:
        (kib,) = (line.split()[1] for line in status if line.startswith('VmHWM:'))
    return int(kib) / 1024

path, output, form, *chosen = sys.argv[1:]
before = peak()
status = main(['report', path, '--engine', 'python', '--format', form, '-o', output, *chosen])
print(status, round(peak() - before))
"""


@pytest.mark.skipif(not Path('/proc/self/status').exists(), reason='the kernel does not tell how much memory was used')
@pytest.mark.parametrize(
    ('lines', 'form', 'most_mib', 'chosen'),
    [
        (endless, 'json', 20, ()),
        (nested, 'html', 30, ()),
        (nested, 'html', 30, CHOSEN),
        (unended, 'html', 60, ()),
        (unended, 'html', 60, CHOSEN),
        (of_many, 'html', 50, ()),
        (of_many_failures, 'html', 80, ()),
        (marked, 'html', 30, ()),
        (endless, 'json', 150, FLEET),
        (nested, 'html', 150, (*FLEET, *CHOSEN)),
        (unended, 'html', 500, FLEET),
        (of_many_failures, 'html', 250, FLEET),
        (marked, 'html', 150, FLEET),
    ],
    ids=[
        *('endless', 'nested', 'nested, chosen', 'unended', 'unended, chosen', 'of many', 'failures', 'marked'),
        *('endless, fleet', 'nested, fleet', 'unended, fleet', 'failures, fleet', 'marked, fleet'),
    ],
)
def test_a_report_needs_little_memory_and_is_no_larger_than_its_journal(
    tmp_path: Path, lines: Callable[[], Iterable[bytes]], form: str, most_mib: int, chosen: tuple[str, ...]
):
    """However the journal was made to grow, its last run is reported, by its agent's name or as one of the others."""
    path, output = tmp_path / 'j', tmp_path / 'report'
    with path.open('wb') as file:
        file.writelines(lines())
        file.write(record_line(run(agent='the last', duration=1e9)))
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM, path, output, form, *chosen],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    status, grown = map(int, done.stdout.split())
    assert status in (0, 1)
    assert grown <= most_mib
    assert ('_other' if lines in (of_many, of_many_failures) else 'the last') in output.read_text(encoding='utf-8')
    assert output.stat().st_size <= max(path.stat().st_size, 2**20)
    assert len(done.stderr) < 10_000


def test_a_line_that_is_too_long_is_one_broken_line():
    """Its number and that of the next are right, however long it is, and the next is read."""
    for length in (MAX_LINE, MAX_LINE + 1, 3 * MAX_LINE):
        broken: list[str] = []
        data = io.BytesIO(b'x' * length + b'\n' + GOOD[0])
        found = list(read_lines('j', data, lambda each, to=broken: to.append(str(each))))
        assert found == [run(run_id='0', agent='good')]
        assert [re.sub(r':.*', '', each[2:]) for each in broken] == ['1']


def test_a_pipe_that_nobody_writes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """So are a folder and a device; the journal beside them is reported."""
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'device').symlink_to('/dev/zero')
    (tmp_path / 'whole').write_bytes(b''.join(GOOD))
    assert main(['report', f'{tmp_path}/*']) == 1
    told = capsys.readouterr()
    assert '3 runs' in told.out
    no_file = 'is a pipe, a device or a socket, and not a regular file'
    assert told.err.splitlines() == [
        f'streamtap report: {tmp_path / "device"}: {no_file}',
        f'streamtap report: {tmp_path / "folder"}: is a folder, and not a file',
        f'streamtap report: {tmp_path / "pipe"}: {no_file}: pass it on stdin, as -',
    ]


def test_a_report_is_not_written_through_a_link(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nor where others may read it."""
    (tmp_path / 'j').write_bytes(b''.join(GOOD))
    (tmp_path / 'precious').write_text('as it was', encoding='utf-8')
    (tmp_path / 'link').symlink_to('precious')
    assert main(['report', str(tmp_path / 'j'), '--format', 'json', '-o', str(tmp_path / 'link')]) == 2
    assert 'is a symbolic link, which is not followed' in capsys.readouterr().err
    assert (tmp_path / 'precious').read_text(encoding='utf-8') == 'as it was'
    assert main(['report', str(tmp_path / 'j'), '--format', 'json', '-o', str(tmp_path / 'new')]) == 0
    assert (tmp_path / 'new').stat().st_mode & 0o777 == 0o600
    assert main(['report', str(tmp_path / 'j'), '--format', 'csv', '-o', str(tmp_path / 'new')]) == 0
    assert (tmp_path / 'new').read_text(encoding='utf-8').startswith('scope,name,')
