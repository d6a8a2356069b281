"""The value of a label that a run was not given: it has the same name in every place, which no value of its own has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streamtap._cli import main
from support.tenants import journal_of_tenants

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return journal_of_tenants(tmp_path, ('', 'none', 'acme'))


@pytest.mark.parametrize(
    ('form', 'empty', 'none'),
    [
        ('table', "\ntenant=''  ", '\ntenant=none  '),
        ('markdown', "\n| `tenant=''` | 1", '\n| `tenant=none` | 1'),
        ('html', ">tenant=<wbr>''</th>", '>tenant=<wbr>none</th>'),
    ],
)
def test_tables_have_it_apart_from_others(
    journal: str, form: str, empty: str, none: str, capsys: pytest.CaptureFixture[str]
):
    """One that is really called none is another."""
    assert main(['report', journal, '--format', form]) == 0
    out = capsys.readouterr().out
    assert (out.count(empty), out.count(none)) == (1, 1)


def test_side_by_side_they_are_two(journal: str, capsys: pytest.CaptureFixture[str]):
    """And verdicts are of each."""
    assert main(['report', journal, '--by', 'tenant']) == 0
    headings = capsys.readouterr().out.split('\n\n')[1].splitlines()[0]
    assert headings.split() == ['tenant', "''", 'acme', 'none']
    assert main(['report', journal, '--by', 'tenant', '--budget', 'failed <= 1%']) == 0
    assert "tenant=''  " in capsys.readouterr().out


def test_the_heading_and_the_error_say_it(journal: str, capsys: pytest.CaptureFixture[str]):
    """What can be chosen is what is listed."""
    assert main(['report', journal, '--label', 'tenant=']) == 0
    assert "only runs with tenant='', and all that they called" in capsys.readouterr().out
    assert main(['report', journal, '--label', 'tenant=x']) == 2
    assert "no record has this value. The values are: '', acme, none\n" in capsys.readouterr().err
