"""What each kind of exit does to a text, besides replacing the characters that `_base/safe_text.py` calls unsafe."""

from __future__ import annotations

import json
import re
from unicodedata import bidirectional

from streamtap._base.safe_text import replaced, safe
from streamtap._display.cells import cut_in_the_middle

MOST_SHOWN = 60
"""How many cells of a name a table or a picture shows."""

EMPTY = "''"
"""What stands for a name without characters, as a shell writes it."""

_RIGHT_TO_LEFT = frozenset({'R', 'AL', 'AN'})

_WORD = re.compile(r'[\w.@+-]+', re.ASCII)

_FORMULA = re.compile(r"""(^|[;,|])([\s"'`]*)(?=[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])""")

_BACKTICKS = re.compile('`+')

_ISOLATED = re.compile('\u2068([^\u2066-\u2069]*)\u2069')

_LINE_OF_COMMAND = re.compile(r'^([^\S\n]*\u2068?):(?=:)', re.MULTILINE)

_COMMAND = re.compile(r'#(?=#(?:\[|vso|teamcity))', re.IGNORECASE)


def short_name(name: str) -> str:
    """A name for a table or a picture: safe, and of at most 60 cells, of which one in the middle says that there is more."""
    ends = name if len(name) <= 2 * MOST_SHOWN else f'{name[:MOST_SHOWN]}{name[-MOST_SHOWN:]}'
    return cut_in_the_middle(safe(ends), MOST_SHOWN)


def value_name(value: str) -> str:
    """A value of a label as it is shown everywhere: `''` for the empty one, which is no name of its own.

    Args:
        value: The value; a run that was not given the label has the empty one.
    """
    return value or EMPTY


def isolated(text: str) -> str:
    """A safe text for a line of plain text: one that is written from right to left does not reorder what is around it.

    A sentence whose names are isolated stays as it is.
    """
    if text.isascii() or _ISOLATED.search(text) or not any(bidirectional(each) in _RIGHT_TO_LEFT for each in text):
        return text
    return f'\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}'


def in_sentence(name: str) -> str:
    """A name of any origin inside a sentence."""
    return isolated(safe(name))


def safe_sentence(text: str) -> str:
    """A text with a replacement character for each that is unsafe, but for what isolates names in it."""
    parts = enumerate(_ISOLATED.split(text))
    return ''.join(in_sentence(part) if number % 2 else safe(part) for number, part in parts)


def in_line(text: str) -> str:
    """A text of any origin, as one line on a terminal or in the log of a job."""
    return in_job_log(safe(' '.join(text.split())))


def in_job_log(lines: str) -> str:
    """Safe lines for the log of a job, of which none is a command to the program that runs it.

    GitHub's runner obeys lines that begin with `::`, and `##[` anywhere in a line, as Azure's `##vso[` and TeamCity's
    `##teamcity[` are obeyed.
    """
    return _LINE_OF_COMMAND.sub('\\1\N{REPLACEMENT CHARACTER}', _COMMAND.sub('\N{REPLACEMENT CHARACTER}', lines))


def in_workflow_command(text: str) -> str:
    """A safe text as the message of a command to GitHub's runner."""
    return text.replace('%', '%25').replace('\r', '%0D').replace('\n', '%0A')


def in_markdown(text: str) -> str:
    """A text as code in Markdown, exactly as it is, where nothing in it is a link, a mention, a tag or markup.

    Code ends with as many backticks as it began with: one more than the text has in a row. Blanks beside them are dropped.
    """
    if not (inside := isolated(safe_sentence(text))):
        return '-'
    marks = '`' * (1 + max(map(len, _BACKTICKS.findall(inside)), default=0))
    # Of blanks only, none is dropped.
    beside = ' ' if inside.strip(' ') and {inside[0], inside[-1]} & {'`', ' '} else ''
    return f'{marks}{beside}{inside}{beside}{marks}'


def in_markdown_table(text: str) -> str:
    """The same in a cell of a table, which ends at the first `|` that has no backslash before it, also inside code."""
    return in_markdown(text).replace('|', '\\|')


def in_log(name: str) -> str:
    """A name inside a log line: quoted unless it is a single word, so that it cannot pretend to be the rest of the line."""
    if _WORD.fullmatch(name):
        return name
    return json.dumps(isolated(safe(name)), ensure_ascii=False)


def in_json(document: str) -> str:
    """A JSON document, printed: the same document, with unsafe characters in its strings escaped."""
    # Outside strings, JSON has no such characters but line ends.
    lines = '\n'.join(replaced(line, _escaped) for line in document.split('\n'))
    return _COMMAND.sub(lambda _: _escaped('#'), lines)


def in_page(page: str) -> str:
    """A page of HTML that is the same, and safe in the log of a job."""
    return _COMMAND.sub('&#35;', page)


def in_cell(text: str) -> str:
    """A text for a cell of a spreadsheet, which must not evaluate it.

    A formula begins with one of a few signs, also after blanks and quotes, and where the spreadsheet splits a cell at a
    separator of its own.
    """
    return _COMMAND.sub('\N{REPLACEMENT CHARACTER}', _FORMULA.sub(r"\1\2'", safe(text)))


def _escaped(character: str) -> str:
    units = character.encode('utf-16-be', 'surrogatepass').hex()
    return ''.join(f'\\u{units[place : place + 4]}' for place in range(0, len(units), 4))
