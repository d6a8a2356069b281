"""Who had requests of which none said its tokens has unknown tokens, in every format; a 0 that was reported stays 0."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import RunRecord, UsageSink
from streamtap._cli import main
from streamtap._sinks.journal.lines import record_line
from support.made_records import response, run

if TYPE_CHECKING:
    from pathlib import Path

REFUSED: dict[str, Any] = {'outcome': 'error', 'error_type': 'E'}
TOKENS = 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens'
RECORDS: list[Any] = [
    response(run_id='1', agent='refused', model='refused', **REFUSED),
    run(run_id='1', agent='refused', requests=1),
    response(run_id='2', agent='empty', model='empty', usage_reported=True, input_tokens=0, output_tokens=0),
    run(run_id='2', agent='empty', requests=1),
    response(run_id='3', agent='some', usage_reported=True, input_tokens=30, output_tokens=5),
    response(run_id='3', agent='some', model='refused', **REFUSED),
    run(run_id='3', agent='some', requests=2, input_tokens=30, output_tokens=5),
    run(run_id='4', agent='idle', requests=0),
]


@pytest.fixture
def journal(tmp_path: Path) -> str:
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, RECORDS)))
    return str(path)


def test_the_summary_does_not_know_them():
    """Of all kinds of tokens; who asked for nothing took none."""
    sink = UsageSink()
    for record in RECORDS:
        if isinstance(record, RunRecord):
            sink.run_ended(record)
        else:
            sink.response_ended(record)
    summary = sink.summary()
    found = {each.agent: {getattr(each, name) for name in TOKENS} for each in summary.agents}
    assert found == {'refused': {None}, 'empty': {0}, 'some': {30, 5, 0}, 'idle': {0}}
    assert {each.model: each.tokens for each in summary.models} == {'refused': None, 'empty': 0, 'm': 35}
    assert (summary.total.tokens, UsageSink().summary().total.tokens) == (35, 0)
    assert [each.input_tokens for each in summary.recent_runs] == [None, None, 30, None]
    rows = {row[0]: row for row in summary.grids()[0].rows}
    places = [list(summary.grids()[0].headings).index(each) for each in ('in', 'out', 'cost')]
    assert [[rows[agent][place] for place in places] for agent in ('refused', 'empty', 'some')] == [
        ['-', '-', '-'],
        ['0', '0', '-'],
        ['30', '5', '-'],
    ]


@pytest.mark.parametrize('engine', ['python', 'duckdb'])
def test_so_do_reports_for_programs(journal: str, engine: str, capsys: pytest.CaptureFixture[str]):
    """Null, and an empty cell."""
    assert main(['report', journal, '--engine', engine, '--format', 'json']) == 0
    agents = json.loads(capsys.readouterr().out)['agents']
    assert {each['agent']: each['input_tokens'] for each in agents} == {
        'refused': None,
        'empty': 0,
        'some': 30,
        'idle': 0,
    }
    assert main(['report', journal, '--engine', engine, '--format', 'csv']) == 0
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert {row['name']: row['input_tokens'] for row in rows if row['scope'] == 'agent'} == {
        'refused': '',
        'empty': '0',
        'some': '30',
        'idle': '0',
    }


def test_the_headline_of_a_page_says_so(journal: str, capsys: pytest.CaptureFixture[str]):
    """Beside the cost."""
    assert main(['report', journal, '--agent', 'refused', '--format', 'html']) == 0
    assert '<dt>cost</dt><dd>-<small> tokens not known</small></dd>' in capsys.readouterr().out
