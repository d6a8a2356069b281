"""Names that are written from right to left, inside the verdict of a run: in every format of the report for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from streamtap._cli import main
from streamtap._sinks.journal.lines import record_line
from support.made_records import response, run, tool

if TYPE_CHECKING:
    from pathlib import Path

HEBREW = 'כלב'
VERDICT = f'40 % tool \u2068{HEBREW}\u2069, 32 % waiting for \u2068p:{HEBREW}\u2069'
RECORDS = [
    response(agent=HEBREW, model=HEBREW, duration=1.6, time_to_first_token=1.6),
    tool(agent=HEBREW, tool=HEBREW, duration=2.0),
    run(agent=HEBREW, duration=5.0, phases={'wait': 1.6, 'tools': 2.0, 'queue': 1.4}, labels={'tenant': HEBREW}),
]


def words(page: str) -> str:
    """What is told, without what breaks its lines."""
    return re.sub('</?(span|wbr)[^>]*>', '', page)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, RECORDS)))
    return str(path)


@pytest.mark.parametrize('form', ['table', 'markdown', 'html'])
def test_each_name_of_a_verdict_is_isolated(journal: str, form: str, capsys: pytest.CaptureFixture[str]):
    """Of a run that is looked at alone."""
    assert main(['report', journal, '--run', 'r', '--format', form]) == 0
    assert VERDICT in words(capsys.readouterr().out)


def test_so_is_that_of_the_slowest_runs(journal: str, capsys: pytest.CaptureFixture[str]):
    """The table and the page have the same words."""
    assert main(['report', journal]) == 0
    assert f'  {VERDICT}\n' in capsys.readouterr().out
    assert main(['report', journal, '--format', 'html']) == 0
    assert VERDICT in words(capsys.readouterr().out)


def test_programs_get_the_name_as_it_is(journal: str, capsys: pytest.CaptureFixture[str]):
    """Without what isolates it."""
    assert main(['report', journal, '--format', 'json']) == 0
    out = capsys.readouterr().out
    assert '\u2068' not in out
    assert '\\u2068' not in out
    assert f'40 % tool {HEBREW}' in out
