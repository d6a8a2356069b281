"""Parquet files of records are read as the journal is that they were made of."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import duckdb
import pytest

from streamtap._cli import main
from streamtap._report.exports.parquet import read_parquet
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import IDS, failed_run, full_response, read_run, run, tool

if TYPE_CHECKING:
    from pathlib import Path

RUN_ID = '01a22d6b-1f50-7795-936b-b533950b7a42'
"""What DuckDB makes no text of."""

WHOLE = [
    full_response(run_id=RUN_ID, labels={'tier': 'gold'}, stall_starts=(1.0,)),
    tool(run_id=RUN_ID, labels={'tenant': 'acme'}),
    failed_run(run_id=RUN_ID, **IDS),
    read_run(run_id=RUN_ID, duration=None),
]


def to_parquet(folder: Path, query: str) -> Path:
    """What DuckDB writes of a query."""
    path = folder / 'records.parquet'
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}'")
    return path


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """What DuckDB writes of a journal by the command of the guide."""
    (tmp_path / 'journal').write_bytes(header_line() + b''.join(map(record_line, WHOLE)))
    return to_parquet(tmp_path, f"FROM read_json('{tmp_path}/journal', union_by_name = true, sample_size = -1)")


def test_what_was_a_journal_is_read(parquet: Path):
    """Every field of every record."""
    broken: list[object] = []
    assert (list(read_parquet(parquet, broken.append)), broken) == (WHOLE, [])


def test_a_report_of_it_is_that_of_the_journal(parquet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """To the last digit."""
    told: list[str] = []
    for path in (tmp_path / 'journal', parquet):
        assert main(['report', str(path), '--format', 'json']) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert RUN_ID in told[0]


def test_a_row_that_is_no_record_is_told(tmp_path: Path):
    """With its number, and without its value."""
    rows = "('run', 'r', -1), ('walk', 'r', 1), (NULL, 'r', 1)"
    path = to_parquet(tmp_path, f'FROM (VALUES {rows}) AS t(record, run_id, duration)')
    broken: list[str] = []
    assert list(read_parquet(path, lambda each: broken.append(f'{each.line}: {each.why}'))) == []
    assert broken == ['1: agent: Field required', '2: unknown type of record', '3: no "record" that names its type']


def test_a_file_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And what is beside it is reported."""
    (tmp_path / 'torn').write_bytes(b'PAR1 and so on')
    (tmp_path / 'whole').write_bytes(record_line(run()))
    assert main(['report', f'{tmp_path}/*']) == 1
    told = capsys.readouterr()
    assert '1 run' in told.out
    assert told.err == f'streamtap report: {tmp_path}/torn:1: not Parquet that DuckDB can read\n'


def test_without_duckdb_the_extra_is_named(
    parquet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """On one line."""
    monkeypatch.setitem(sys.modules, 'duckdb', None)
    assert main(['report', str(parquet)]) == 2
    assert capsys.readouterr().err == 'streamtap report: this needs DuckDB: install the extra, streamtap[fleet]\n'
