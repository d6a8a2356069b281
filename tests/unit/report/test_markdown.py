"""`--format markdown`: names as they are, and none of them is markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from streamtap._cli import main
from support.tenants import journal_of_tenants

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (
    'a|b',
    '`code`*b*',
    '<img src=x onerror=alert(1)>',
    '@octocat',
    '[a](http://b.c)',
    'a\\|b',
    '~~#1~~',
    '_x_ & &lt;',
)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return journal_of_tenants(tmp_path, NAMES)


@pytest.mark.parametrize(
    ('arguments', 'before'),
    [
        ((), 'tenant='),
        (('--by', 'tenant'), ''),
        (('--by', 'tenant', '--budget', 'failed <= 50%'), 'tenant='),
        (tuple(part for name in NAMES for part in ('--label', f'tenant={name}')), 'tenant='),
    ],
)
def test_names_are_exact_and_nothing_is_markup(
    arguments: tuple[str, ...], before: str, journal: str, capsys: pytest.CaptureFixture[str]
):
    """In cells and in the headings of columns."""
    assert main(['report', journal, *arguments, '--format', 'markdown']) == 0
    tokens = MarkdownIt('commonmark').enable(['table', 'strikethrough']).parse(capsys.readouterr().out)
    inline = [child for token in tokens if token.type == 'inline' for child in token.children or ()]
    assert {token.type for token in inline} <= {
        'text',
        'code_inline',
        'strong_open',
        'strong_close',
        'hardbreak',
        'softbreak',
    }
    codes = {token.content for token in inline if token.type == 'code_inline'}
    assert {f'{before}{name}' for name in NAMES} <= codes
