"""What each kind of exit does to a text."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hostile.texts import HOSTILE, RIGHT_TO_LEFT, TEXTS, UNSAFE
from streamtap._display.exits import (
    MOST_SHOWN,
    in_cell,
    in_job_log,
    in_json,
    in_line,
    in_log,
    in_markdown,
    in_markdown_table,
    in_page,
    in_workflow_command,
    isolated,
    safe_sentence,
    short_name,
)
from streamtap._display.grid import Column, Grid

ISOLATED = f'\N{FIRST STRONG ISOLATE}{RIGHT_TO_LEFT}\N{POP DIRECTIONAL ISOLATE}'

SIGNS = '=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212'
"""What a spreadsheet takes for the beginning of a formula, in any width."""


@pytest.mark.parametrize('before', ['', ' ', '  ', '"', "'", ' " ', 'a;', 'a; ', 'a,"', 'a|', ';'])
@pytest.mark.parametrize('sign', SIGNS, ids=ascii)
def test_no_cell_is_a_formula(before: str, sign: str):
    """Not after blanks, quotes, or a separator of another locale either."""
    assert in_cell(f'{before}{sign}1+1') == f"{before}'{sign}1+1"


@pytest.mark.parametrize('before', UNSAFE, ids=ascii)
def test_what_a_spreadsheet_drops_hides_no_formula(before: str):
    """A tab, a line end or an invisible character before it is replaced by one that no spreadsheet drops."""
    assert in_cell(f'{before}=1+1') == '\N{REPLACEMENT CHARACTER}=1+1'


@pytest.mark.parametrize('name', ['openai:gpt-5.2', 'tier=gold', 'a-b', 'a@b', 'one, two', 'it is +1', "it's", ''])
def test_other_cells_stay(name: str):
    """A sign inside a name is no formula."""
    assert in_cell(name) == name


@given(TEXTS)
def test_no_text_becomes_a_formula(text: str):
    """Whatever it is, and wherever it is split."""
    for piece in re.split('[;,|]', in_cell(text[:1000])):
        assert piece.strip().strip('"`').strip()[:1] not in set(SIGNS)


@given(st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=8), max_size=2)))
def test_json_stays_the_same_document(document: dict[str, list[str]]):
    """Escaped, it is read as it was, and printed, it controls nothing."""
    shown = in_json(json.dumps(document, ensure_ascii=False, indent=2))
    assert json.loads(shown) == document
    assert all(line.isprintable() for line in shown.split('\n'))


def test_json_that_can_be_read_stays_readable():
    """Only what is unsafe is escaped, also past the first 65,536 characters."""
    shown = in_json(json.dumps(['\u6771\u4eac', '\x7f\u202e', '\U000e0041'], ensure_ascii=False))
    assert shown == '["\u6771\u4eac", "\\u007f\\u202e", "\\udb40\\udc41"]'


@pytest.mark.parametrize(
    ('name', 'shown'),
    [
        ('gpt-5.2', 'gpt-5.2'),
        ('my agent', '"my agent"'),
        ('a: success in 1 s', '"a: success in 1 s"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ('', '""'),
        ('a\nb', '"a\N{REPLACEMENT CHARACTER}b"'),
        (RIGHT_TO_LEFT, f'"{ISOLATED}"'),
    ],
)
def test_a_name_in_a_log_line_is_one_word_or_quoted(name: str, shown: str):
    """So that it ends where it ends."""
    assert in_log(name) == shown


def test_text_from_right_to_left_stays_where_it_is():
    """It is isolated from the numbers beside it, and counts as wide as it is."""
    table = str(Grid((Column('agent'), Column('runs')), [(RIGHT_TO_LEFT, '1'), ('other', '2')]))
    assert table.splitlines() == ['agent  runs', '-----  ----', f'{ISOLATED}      1', 'other     2']
    assert isolated('agent') == 'agent'


def test_a_long_name_is_shortened_where_people_read_it():
    """And says so."""
    assert short_name('x' * MOST_SHOWN) == 'x' * MOST_SHOWN
    assert short_name('x' * 10_000) == 'x' * 30 + '…' + 'x' * 29


def test_a_message_is_one_line():
    """Whatever is in the names of files and arguments."""
    assert in_line('no\nfile \x1b[31m').isprintable()
    assert in_line(HOSTILE).isprintable()


REPLACED = '\N{REPLACEMENT CHARACTER}'


@pytest.mark.parametrize(
    ('lines', 'shown'),
    [
        ('::error::x', f'{REPLACED}:error::x'),
        ('a\n  ::stop-commands::x\nb', f'a\n  {REPLACED}:stop-commands::x\nb'),
        (f'\u2068::add-mask::{RIGHT_TO_LEFT}\u2069', f'\u2068{REPLACED}:add-mask::{RIGHT_TO_LEFT}\u2069'),
        ('a ##[add-mask]b', f'a {REPLACED}#[add-mask]b'),
        ('###[group]a', f'#{REPLACED}#[group]a'),
        ('##vso[task.complete]', f'{REPLACED}#vso[task.complete]'),
        ("##TeamCity[x name='y']", f"{REPLACED}#TeamCity[x name='y']"),
    ],
)
def test_no_line_of_a_jobs_log_is_a_command(lines: str, shown: str):
    """To GitHub's runner at its beginning or anywhere, to Azure's, or to TeamCity's."""
    assert in_job_log(lines) == shown


@pytest.mark.parametrize('line', ['a::b', 'ns::agent is slow', '## Heading', '#1', 'C#', 'a: b', ':', '##', '--- a'])
def test_other_lines_of_a_jobs_log_stay(line: str):
    """Also those that only look a little like one."""
    assert in_job_log(line) == line


def test_data_and_pages_hold_no_command_either():
    """JSON and HTML are read as they were, a cell is changed."""
    name = 'a##[add-mask]b'
    assert json.loads(in_json(json.dumps([name]))) == [name]
    assert '##[' not in in_json(json.dumps([name]))
    assert in_page(f'<p>{name}</p>') == '<p>a&#35;#[add-mask]b</p>'
    assert in_cell(name) == f'a{REPLACED}#[add-mask]b'


def unescaped(message: str) -> str:
    """The message of a command as GitHub's runner reads it."""
    return message.replace('%0D', '\r').replace('%0A', '\n').replace('%25', '%')


@given(st.one_of(st.text(max_size=50), st.just('%0A::error::%25 100%\r\n')))
def test_a_message_to_githubs_runner_is_read_as_it_was(text: str):
    """On one line, whatever it holds."""
    shown = in_workflow_command(text)
    assert '\n' not in shown
    assert '\r' not in shown
    assert unescaped(shown) == text


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('gpt-5.2', '`gpt-5.2`'),
        ('<1 ms', '`<1 ms`'),
        ('a|b', '`a|b`'),
        ('``` a', '```` ``` a ````'),
        ('`a`*b*', '`` `a`*b* ``'),
        ('a`b``c', '```a`b``c```'),
        ('a\nb', f'`a{REPLACED}b`'),
        (' a', '`  a `'),
        ('  ', '`  `'),
        ('', '-'),
        (RIGHT_TO_LEFT, f'`{ISOLATED}`'),
        (f'40 % {ISOLATED}, 5 % \u2068x', f'`40 % {ISOLATED}, 5 % {REPLACED}x`'),
    ],
)
def test_a_text_in_markdown_is_code(text: str, shown: str):
    """Nothing in code is a link, a mention, a reference or a tag."""
    assert in_markdown(text) == shown


MARKUP = (
    *(
        'a|b',
        'a\\|b',
        'a\\\\|b',
        '|',
        '\\',
        '`code`*b*',
        '`',
        '``',
        '` `',
        '_a_',
        '**a**',
        '~~a~~',
        '[a](http://b.c)',
        '<b>',
        '&lt;',
    ),
    *('# a', '@name', '#1', 'http://a.b', ':smile:', '- a', '1. a', '    a', '![a](b)', '<!-- a -->', '\\`a\\`', '$a$'),
)


def codes(text: str) -> list[str]:
    """What Markdown, as GitHub renders it, has as code; there is nothing else but tables."""
    tokens = MarkdownIt('commonmark').enable(['table', 'strikethrough']).parse(text)
    inline = [child for token in tokens if token.type == 'inline' for child in token.children or ()]
    assert {token.type for token in inline} <= {'code_inline'}
    return [token.content for token in inline]


@given(st.one_of(TEXTS.map(lambda text: text[:300]), st.text('`|\\ a*_', max_size=12), st.sampled_from(MARKUP)))
def test_every_text_in_markdown_is_itself(text: str):
    """To the letter, in a line and in a cell, whatever it has of markup."""
    shown = isolated(safe_sentence(text)) or 'x'
    assert codes(in_markdown(shown)) == [shown]
    cell = in_markdown_table(shown)
    table = f'| `a` | {cell} | `b` |\n| --- | --- | --- |\n| `c` | {cell} | `d` |'
    assert codes(table) == ['a', shown, 'b', 'c', shown, 'd']
