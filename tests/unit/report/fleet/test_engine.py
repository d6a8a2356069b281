"""When the fleet's engine reports, and what it is kept from."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import duckdb
import pytest

from streamtap._cli import main
from streamtap._report.exports.duck import duck
from streamtap._sinks.journal.lines import header_line, record_line
from support.log_events import LogEvents
from support.made_records import IDS, failed_run, full_response, run, tool

RECORDS = [full_response(), tool(), failed_run(**IDS)]
LINES = header_line() + b''.join(map(record_line, RECORDS))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / 'j'
    path.write_bytes(LINES)
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which folders were made for a database."""
    made: list[str] = []
    real = duckdb.connect

    def connect(database: str) -> duckdb.DuckDBPyConnection:
        made.append(database)
        return real(database)

    monkeypatch.setattr(duckdb, 'connect', connect)
    return made


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    status = main(['report', *map(str, arguments)])
    found = capsys.readouterr()
    return status, found.out, found.err


def test_much_is_read_by_it(
    journal: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """By the size of all files, unless another engine is asked for, or a verdict."""
    little = told(capsys, journal)
    assert (little[0], asked) == (0, [])
    monkeypatch.setattr('streamtap._report.fleet.gather.WORTH_IT', len(LINES) - 1)
    assert told(capsys, journal) == little
    assert len(asked) == 1
    assert told(capsys, journal, '--engine', 'python') == little
    assert told(capsys, journal, '--budget', 'failed <= 100%')[0] == 0
    assert len(asked) == 1


def test_without_duckdb_much_is_read_all_the_same(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """And who asks for it is told which extra it needs."""
    monkeypatch.setattr('streamtap._report.fleet.gather.WORTH_IT', 0)
    monkeypatch.setattr('importlib.util.find_spec', {'rich': True}.get)
    assert told(capsys, journal)[0] == 0
    monkeypatch.setitem(sys.modules, 'duckdb', None)
    why = 'streamtap report: this needs DuckDB: install the extra, streamtap[fleet]\n'
    assert told(capsys, journal, '--engine', 'duckdb') == (2, '', why)


def test_it_tells_no_verdicts(journal: Path, capsys: pytest.CaptureFixture[str]):
    """Which need all values of each run at once."""
    why = (
        'streamtap report: --engine duckdb compares nothing and tells no verdicts: leave it out with --compare, '
        '--budget and --by\n'
    )
    assert told(capsys, journal, '--engine', 'duckdb', '--budget', 'failed <= 1%') == (2, '', why)
    assert told(capsys, '--engine', 'duckdb', '--compare', journal, journal) == (2, '', why)
    assert told(capsys, journal, '--engine', 'duckdb', '--by', 'agent') == (2, '', why)


def test_it_reads_whatever_a_report_reads(tmp_path: Path, journal: Path, capsys: pytest.CaptureFixture[str]):
    """A journal with its rotated files, an export of events, and Parquet."""
    (tmp_path / 'j.1').write_bytes(LINES)
    events = LogEvents()
    events.send(*RECORDS)
    (tmp_path / 'events').write_bytes(events.exported() + b'{"resourceLogs":[3]}\n')
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (FROM read_json('{journal}', union_by_name = true)) TO '{tmp_path}/parquet' (FORMAT parquet)"
        )
    files = [journal, tmp_path / 'events', tmp_path / 'parquet']
    found = told(capsys, *files, '--engine', 'duckdb', '--format', 'json')
    assert found == told(capsys, *files, '--engine', 'python', '--format', 'json')
    assert (found[0], '"runs": 4' in found[1]) == (1, True)


def test_it_reads_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Once; a run that ended twice there cannot be chosen, as what belongs to which takes another pass."""

    def piped(*arguments: str) -> tuple[int, str, str]:
        lines = LINES + b'no record\n' + record_line(run(run_id='again')) * 2
        monkeypatch.setattr('sys.stdin', io.TextIOWrapper(io.BytesIO(lines)))
        return told(capsys, '-', *arguments)

    assert piped('--engine', 'duckdb') == piped('--engine', 'python')
    status, _, why = piped('--engine', 'duckdb', '--outcome', 'success')
    assert (status, why.splitlines()[-1]) == (
        2,
        'streamtap report: a run has more than one end: --engine python can choose some runs of stdin',
    )


def test_no_name_is_a_query(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Nor a pattern, a path or a parameter."""
    names = ["'; DROP TABLE records; --", '$texts', "' || (SELECT 1) || '", '/etc/passwd', '%', '*', '_other']
    path = tmp_path / "it's; j"
    lines = [
        record_line(made)
        for name in names
        for made in (
            full_response(model=name, labels={name: name}),
            tool(tool=name),
            failed_run(agent=name, labels={'l': name}),
        )
    ]
    path.write_bytes(b''.join(lines))
    for choice in ((), ('--agent', names[0]), ('--label', f'l={names[2]}'), ('--run', "r'; --")):
        by_python = told(capsys, path, *choice, '--engine', 'python', '--format', 'html')
        assert told(capsys, path, *choice, '--engine', 'duckdb', '--format', 'html') == by_python


@pytest.mark.parametrize(
    'query',
    [
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/streamtap-written'",
        "ATTACH '/tmp/streamtap-attached'",
        'INSTALL httpfs',
        'LOAD httpfs',
        "FROM read_csv('https://example.com/')",
        'SET enable_external_access = true',
        "SET memory_limit = '100GB'",
    ],
)
def test_the_database_reaches_nothing_else(query: str):
    """No file, no network and no setting, whatever it is made to run."""
    with duck() as found, pytest.raises(found.error):
        found.connection.execute(query).fetchall()


def test_what_it_wrote_is_deleted(journal: Path, asked: list[str], capsys: pytest.CaptureFixture[str]):
    """And could be read by this user only."""
    assert told(capsys, journal, '--engine', 'duckdb')[0] == 0
    assert [Path(each).parent.exists() for each in asked] == [False]
    with duck() as found:
        assert found.folder.stat().st_mode & 0o077 == 0


def test_no_room_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """On one line."""
    path = tmp_path / 'j'
    path.write_bytes(LINES * 200)
    monkeypatch.setattr('streamtap._report.exports.duck.MEMORY', '2MB')
    status, out, why = told(capsys, path, '--engine', 'duckdb')
    assert (status, out, why.count('\n')) == (2, '', 1)
    assert why.startswith('streamtap report: DuckDB could not go on: ')


def test_what_has_no_room_in_memory_is_on_disk(monkeypatch: pytest.MonkeyPatch):
    """In its own folder."""
    monkeypatch.setattr('streamtap._report.exports.duck.MEMORY', '80MB')
    with duck() as found:
        found.connection.execute(
            'CREATE TABLE t AS SELECT range AS n, md5(range::VARCHAR) AS text FROM range(3_000_000)'
        )
        (most,) = found.connection.execute('SELECT max(text) FROM (FROM t ORDER BY text)').fetchall()
        assert re.fullmatch('fffff[0-9a-f]{27}', most[0])
