"""What stands below tables is of something in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import LoopRecord
from streamtap._cli import main
from streamtap._sinks.journal.lines import record_line
from support.made_records import failed_run, full_response, run, tool

if TYPE_CHECKING:
    from pathlib import Path

AGAIN, BLANK, TIMES, TOKENS, KINDS = (
    'Again: ',
    'The blank screen is known for ',
    'Tool times are known for ',
    'Responses that were ',
    'more kind',
)


def records() -> list[Any]:
    """Runs of which something is to be said: of loops, blank screens, tool times, tokens, and very many failures."""
    labels = {'tenant': 'acme'}
    found: list[Any] = [
        full_response(labels=labels, unmeasured='interrupted'),
        tool(labels=labels, repeated=True, duration=1.0),
        tool(labels=labels, outcome='interrupted', duration=None),
        run(labels=labels, time_to_first_output=1.0, loops=LoopRecord(calls=1, seconds=1.0, tokens=5)),
    ]
    return [
        *found,
        *(
            failed_run(run_id=f'f{each}', error_type=f'E{each}', time_to_first_output=None, labels=labels)
            for each in range(21)
        ),
    ]


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        ((), {AGAIN, BLANK, TIMES, TOKENS, KINDS}),
        (('--by', 'agent'), {BLANK, TIMES, TOKENS}),
        (('--by', 'tenant'), {BLANK, TIMES, TOKENS}),
        (('--by', 'model'), {TOKENS}),
        (('--by', 'tool'), {TIMES}),
        (('--budget', 'failed <= 100%'), set[str]()),
        (('--budget', 'blank_screen.p50 <= 9s', '--budget', 'repeated_tools <= 100%'), {BLANK}),
        (('--budget', 'cost_per_run.p50 <= $9'), {TOKENS}),
        (('--run', 'r'), {AGAIN, TOKENS}),
    ],
)
@pytest.mark.parametrize('form', ['table', 'markdown'])
def test_a_footnote_is_there_where_its_word_is(
    arguments: tuple[str, ...], said: set[str], form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Whatever the report is of."""
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, records())))
    assert main(['report', str(path), *arguments, '--format', form]) == 0
    out = capsys.readouterr().out
    assert {each for each in (AGAIN, BLANK, TIMES, TOKENS, KINDS) if each in out} == said


def test_a_page_says_of_failures_what_it_leaves_out_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Below their table, and not again below all numbers."""
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, records())))
    assert main(['report', str(path), '--format', 'html']) == 0
    assert capsys.readouterr().out.count('1 more kind of failure is not shown, of 1 run: JSON has it.') == 1


@pytest.mark.parametrize(('agent', 'known'), [('inner', ''), ('outer', 'known for 0 of 1 run: it did not stream')])
def test_a_called_run_has_no_blank_screen_and_none_is_missed(
    agent: str, known: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Nobody saw it, which is said; what did not show anything is another matter."""
    path = tmp_path / 'j'
    records = [
        full_response(run_id='in', agent='inner'),
        run(run_id='in', parent_run_id='out', agent='inner'),
        full_response(run_id='out', agent='outer', outcome='error', error_type='ModelHTTPError_503'),
        run(run_id='out', agent='outer', outcome='error', error_type='ModelHTTPError_503', time_to_first_output=None),
    ]
    path.write_bytes(b''.join(map(record_line, records)))
    assert main(['report', str(path), '--agent', agent]) == 0
    out = capsys.readouterr().out
    assert re.findall(r'The blank screen is (.*?),', out) == ([known] if known else [])
    assert ('called by another run: nobody saw a blank screen' in out) == (agent == 'inner')
