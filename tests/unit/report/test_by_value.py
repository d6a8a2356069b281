"""`streamtap report --by`: the main figures of versions, agents, models, tools or values of a label, side by side."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._cli import main
from streamtap._report.by_value import HOW_TO_READ, MOST_VALUES, not_shown, value_grids
from streamtap._report.owners import VERSION, owners_by
from streamtap._report.samples import Samples
from streamtap._sinks.journal.lines import record_line
from support.made_records import full_response, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from streamtap._display.grid import Grid


def version(name: str | None, runs: int, **of_run: Any) -> list[Any]:
    """Runs of a version, each with a request, and a tool call that called another run; that one has a request, too."""
    records: list[Any] = []
    for number in range(runs):
        run_id = f'{name}-{number}'
        records += [
            full_response(run_id=run_id, time_to_first_token=0.5),
            full_response(run_id=f'{run_id}-in', agent='b', time_to_first_token=1.5),
            run(run_id=f'{run_id}-in', agent='b', parent_run_id=run_id, service_version=name),
            tool(run_id=run_id, repeated=number == 0),
            run(run_id=run_id, service_version=name, **of_run),
        ]
    return records


def grid(records: Iterable[Any], scope: str) -> Grid:
    samples = Samples(owners_by([scope]))
    for record in records:
        samples.add(record)
    samples.complete()
    (found,) = value_grids(samples, [scope])
    return found


BEFORE_AND_AFTER = [
    *version('1.9', 3, outcome='error', error_type='E', objective_met=False, time_to_first_output=4.0),
    *version('1.10', 20, time_to_first_output=2.0, objective_met=True, question_id='q', attempt=1, time_to_answer=3.0),
    *version(None, 2, duration=100.0),
]


def test_versions_stand_in_the_order_in_which_they_ran():
    """Requests and tool calls are those of their runs, and of the runs that these called; who says no version is left out."""
    found = grid(BEFORE_AND_AFTER, VERSION)
    assert list(found.headings) == ['service_version', '1.9', '1.10']
    rows = {row[0]: list(row[1:]) for row in found.rows}
    assert (rows['runs'], rows['requests'], rows['tool calls']) == (['3', '20'], ['6', '40'], ['3', '20'])
    assert (rows['failed'], rows['objective met']) == (['100.0%', '0.0%'], ['0.0%', '100.0%'])
    assert (rows['blank screen p50'], rows['blank screen p95']) == (['4.00 s', '2.00 s'], ['-', '2.00 s'])
    assert (rows['first token p50'], rows['first token p95']) == (['500 ms', '500 ms'], ['-', '1.50 s'])
    assert (rows['repeated tools'], rows['first try']) == (['33.3%', '5.0%'], ['-', '100.0%'])
    assert rows['cache hits p50'] == ['33.3%', '33.3%']
    assert 'context used p50' not in rows


SILENT: dict[str, Any] = {'cache_read_tokens': 0, 'cache_write_tokens': 0}


def test_who_says_nothing_of_a_cache_has_no_hits():
    """It may have none; who wrote to one, or missed one, has it."""
    records = [
        full_response(model='silent', **SILENT),
        full_response(model='wrote', **{**SILENT, 'cache_write_tokens': 5}),
        full_response(model='missed', **SILENT, cache_missed_tokens=50),
        full_response(model='read'),
        full_response(model='read', **SILENT),
    ]
    rows = {
        row[0]: dict(zip(found.headings[1:], row[1:], strict=True))
        for found in [grid(records, 'model')]
        for row in found.rows
    }
    assert rows['cache hits p50'] == {'p:missed': '0.0%', 'p:read': '0.0%', 'p:silent': '-', 'p:wrote': '0.0%'}
    assert not any('cache' in row[0] for row in grid([full_response(**SILENT)], 'agent').rows)


def test_a_version_has_the_hits_of_its_own_cache():
    """The one before said nothing of one."""
    records = [
        full_response(run_id='old', **SILENT),
        run(run_id='old', service_version='1'),
        full_response(run_id='new'),
        run(run_id='new', service_version='2'),
    ]
    rows = {row[0]: list(row[1:]) for row in grid(records, VERSION).rows}
    assert rows['cache hits p50'] == ['-', '33.3%']


def test_other_scopes_stand_by_name():
    """An agent has all of its runs, of which those that users asked for are `runs`; and a model has no runs."""
    agents = grid(BEFORE_AND_AFTER, 'agent')
    assert [list(row) for row in agents.rows][:2] == [['runs', '25', '0'], ['nested runs', '0', '25']]
    models = grid([full_response(model='z'), full_response(model='b')], 'model')
    assert list(models.headings) == ['model', 'p:b', 'p:z']
    assert models.rows[0] == ('requests', '1', '1')
    labels = [run(labels={'tenant': 'acme'}), run(labels={'tenant': ''}), run()]
    assert list(grid(labels, 'tenant').headings) == ['tenant', "''", 'acme']


def test_those_with_the_most_runs_are_shown():
    """The others are told."""
    samples = Samples(owners_by(['tenant']))
    for number in range(MOST_VALUES + 2):
        for _ in range(number + 1):
            samples.add(run(labels={'tenant': f'{number:02}'}))
    (shown,) = value_grids(samples, ['tenant'])
    assert list(shown.headings[1:3]) == ['02', '03']
    assert len(shown.headings) == 1 + MOST_VALUES
    (left_out,) = not_shown(samples, ['tenant'])
    assert left_out == 'By tenant: 2 more are not shown, of fewer runs or calls each: JSON and CSV have them.'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / 'j'
    found.write_bytes(b''.join(map(record_line, BEFORE_AND_AFTER)))
    return found


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(['report', *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_every_format_has_them(path: Path, capsys: pytest.CaptureFixture[str]):
    """A table for people, all values for programs; filters choose first."""
    table = report(capsys, path, '--by', 'service_version')
    assert table.split('\n\n')[1] == str(grid(BEFORE_AND_AFTER, VERSION))
    assert HOW_TO_READ in table
    rows = list(csv.DictReader(io.StringIO(report(capsys, path, '--by', 'service_version', '--format', 'csv'))))
    blank = {'scope': 'service_version', 'name': '1.10', 'quantity': 'blank screen of a run', 'n': '20'}
    assert blank | {'share': '', 'p50': '2.0', 'p95': '2.0'} in rows
    data = json.loads(report(capsys, path, '--by', 'service_version', '--format', 'json', '--outcome', 'failed'))
    assert {each['name'] for each in data['by']} == {'1.9'}
    assert data['total']['runs'] == 3
    page = report(capsys, path, '--by', 'service_version', '--by', 'agent', '--format', 'html')
    assert '<h2>Side by side</h2>' in page
    assert '<h2>Over time</h2>' in page


def test_verdicts_can_be_by_version(path: Path, capsys: pytest.CaptureFixture[str]):
    """Each version must keep a budget."""
    budget = ('--budget', 'objective_met >= 90%', '--by', 'service_version')
    assert main(['report', str(path), *budget]) == 3
    shown = capsys.readouterr().out
    assert [line.split()[3] for line in shown.splitlines() if line.startswith('objective_met')] == ['1.10', '1.9']


def test_versions_that_nobody_says_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A gate of them would pass with nothing to judge."""
    path = tmp_path / 'j'
    path.write_bytes(record_line(run()))
    assert main(['report', str(path), '--by', 'service_version']) == 2
    assert (
        '--by service_version: no run says the version of its service: give Tap(service_version=...)\n'
        in capsys.readouterr().err
    )


def test_runs_are_those_that_users_asked_for_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As in all other tables; those that other runs called stand beside them, whatever they are grouped by."""
    path = tmp_path / 'j'
    records = version('1', 3)
    for number, record in enumerate(records):
        records[number] = dataclasses.replace(record, labels={'tenant': 'acme'})
    path.write_bytes(b''.join(map(record_line, records)))
    found: dict[str, dict[str, list[Any]]] = {}
    for by in ('agent', 'tenant', 'service_version', 'all'):
        assert main(['report', str(path), '--by', by]) == 0
        table = [re.split('  +', line) for line in capsys.readouterr().out.split('\n\n')[1].splitlines()]
        assert main(['report', str(path), '--by', by, '--format', 'markdown']) == 0
        rows = [line.strip('| ').split(' | ') for line in capsys.readouterr().out.splitlines()]
        assert main(['report', str(path), '--by', by, '--format', 'json']) == 0
        data = json.loads(capsys.readouterr().out)['by']
        assert main(['report', str(path), '--by', by, '--format', 'csv']) == 0
        cells = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert [(each['name'], str(each['n'])) for each in data] == [(each['name'], each['n']) for each in cells]
        for what in ('runs', 'nested runs'):
            (shown,) = (row[1:] for row in table if row[0] == what)
            assert [row[1:] for row in rows if row[0].strip('`') == what] == [shown]
            found.setdefault(by, {})[what] = [shown, [each['n'] for each in data if each['quantity'] == what]]
    assert found == {
        'agent': {'runs': [['3', '0'], [3, 0]], 'nested runs': [['0', '3'], [3]]},
        **{by: {'runs': [['3'], [3]], 'nested runs': [['3'], [3]]} for by in ('tenant', 'service_version', 'all')},
    }
