"""Reports, comparisons and gates of some runs only: what they say, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streamtap._cli import main
from streamtap._sinks.journal.lines import record_line
from support.made_records import failed_run, full_response, run, tool

if TYPE_CHECKING:
    from pathlib import Path

ACME, BOLT = {'labels': {'tenant': 'acme'}}, {'labels': {'tenant': 'bolt'}}

RECORDS = [
    full_response(run_id='1', agent='chat', **ACME),
    run(run_id='1', agent='chat', **ACME),
    full_response(run_id='2', agent='chat', **BOLT),
    tool(run_id='2', agent='chat', outcome='error', **BOLT),
    failed_run(run_id='2', agent='chat', **BOLT),
    run(run_id='inner', parent_run_id='3', agent='researcher', **ACME),
    run(run_id='3', agent='editor', outcome='cancelled', started_ns=9 * 10**9, **ACME),
    tool(run_id='open', agent='editor', **ACME),
]


def journal(path: Path, records: list[Any] = RECORDS) -> str:
    path.write_bytes(b''.join(map(record_line, records)))
    return str(path)


@pytest.mark.parametrize(
    ('arguments', 'runs', 'failed', 'left_out'),
    [
        (['--agent', 'chat'], 2, 1, 1),
        (['--agent', 'chat', '--outcome', 'failed'], 1, 1, 1),
        (['--agent', 'researcher'], 1, 0, 1),
        (['--label', 'tenant=acme'], 2, 0, 1),
        (['--label', 'tenant=acme', '--outcome', 'cancelled', '--outcome', 'failed'], 1, 0, 1),
        (['--since', '1970-01-01T00:00:05'], 1, 0, 0),
        (['--until', '1970-01-01T00:00:05'], 2, 1, 1),
        ([], 3, 1, None),
    ],
)
def test_a_report_is_of_the_runs_that_are_chosen(
    arguments: list[str],
    runs: int,
    failed: int,
    left_out: int | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    """In its counts, its failures, and what it says of what it could not tell."""
    assert main(['report', journal(tmp_path / 'j'), *arguments, '--format', 'json']) == 0
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found['total']['runs'], sum(each['runs'] for each in found['failures'])) == (runs, failed)
    assert found.get('chosen', {}).get('unfinished') == left_out
    assert ('left out' in told.err) is bool(left_out)


def test_every_heading_says_what_was_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Below the journals' names."""
    path = journal(tmp_path / 'j')
    for form, shown in (
        ('table', '\nonly runs that failed, and all that they called\n'),
        ('markdown', '\n`only runs that failed, and all that they called`\n'),
        ('html', '<p class="strong">only runs that failed, and all that they called</p>'),
    ):
        for sides in ([path], ['--compare', path, path], [path, '--budget', 'failed <= 1%']):
            assert main(['report', *sides, '--outcome', 'failed', '--format', form]) in (0, 3)
            assert shown in capsys.readouterr().out


def test_gates_are_of_the_runs_that_are_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Of budgets, and of comparisons; what is left out is said of each side."""
    path = journal(tmp_path / 'j')
    budget = ['--budget', 'requests_per_run.p50 <= 1', '--format', 'json']
    assert main(['report', path, *budget, '--agent', 'editor']) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each['n'] for each in found['verdicts']] == [1]
    assert found['chosen'] == {
        'agents': ['editor'],
        'runs': 1,
        'called_by_others': 0,
        'unfinished': 1,
        'given_up': 0,
    }
    whole = journal(tmp_path / 'whole', RECORDS[:-1])
    assert main(['report', '--compare', path, whole, '--agent', 'chat']) == 0
    out = capsys.readouterr().out
    assert 'before: Requests and tool calls left out: 1' in out.replace('\n', ' ')
    assert 'after: ' not in out


@pytest.mark.parametrize(
    ('arguments', 'why'),
    [
        (
            ['--agent', 'reseacher'],
            '--agent reseacher: no record has this agent. Did you mean researcher? The agents are: chat, editor, researcher',
        ),
        (
            ['--label', 'tennant=acme'],
            '--label tennant: no record has this label. Did you mean tenant? The labels are: tenant',
        ),
        (
            ['--label', 'tenant=acne'],
            '--label tenant=acne: no record has this value. Did you mean acme? The values are: acme, bolt',
        ),
        (
            ['--agent', 'editor', '--outcome', 'failed'],
            '{j}: there is none of what was asked for: only runs of editor that failed, and all that they called. '
            'Requests and tool calls left out: 1 (their run has no end in the journal, so that it cannot be told whether '
            'it is meant)',
        ),
    ],
)
def test_what_nobody_has_is_refused(arguments: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A name that is misspelt would pass every gate."""
    path = journal(tmp_path / 'j')
    assert main(['report', path, *arguments]) == 2
    assert capsys.readouterr().err == f'streamtap report: {why.format(j=path)}\n'


def test_a_name_of_one_side_is_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A change can bring a new agent; there is only nothing to compare it with."""
    one, other = journal(tmp_path / 'one', [run(agent='old')]), journal(tmp_path / 'other', [run(agent='new')])
    assert main(['report', '--compare', one, other, '--agent', 'new']) == 2
    assert capsys.readouterr().err.startswith(f'streamtap report: {one}: there is none of what was asked for')
    assert main(['report', '--compare', one, other, '--agent', 'newer']) == 2
    assert 'Did you mean new?' in capsys.readouterr().err
    assert main(['report', '--compare', one, other, '--agent', 'old', '--agent', 'new']) == 0
