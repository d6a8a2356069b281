"""What each kind of exit does to a text, besides replacing the characters that `_base/safe_text.py` calls unsafe."""

from __future__ import annotations

import json
import re
from unicodedata import bidirectional

from streamtap._base.safe_text import replaced, safe

MOST_SHOWN = 60
"""How many characters of a name a table or a picture shows."""

_RIGHT_TO_LEFT = frozenset({'R', 'AL', 'AN'})

_WORD = re.compile(r'[\w.@+-]+', re.ASCII)

_FORMULA = re.compile(r"""(^|[;,|])([\s"'`]*)(?=[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20])""")


def short_name(name: str) -> str:
    """A name for a table or a picture: safe, and of at most 60 characters, the last of which says that there are more."""
    return safe(name if len(name) <= MOST_SHOWN else f'{name[: MOST_SHOWN - 1]}…')


def isolated(text: str) -> str:
    """A safe text for a line of plain text: one that is written from right to left does not reorder what is around it."""
    if text.isascii() or not any(bidirectional(each) in _RIGHT_TO_LEFT for each in text):
        return text
    return f'\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}'


def in_line(text: str) -> str:
    """A text of any origin, as one line on a terminal."""
    return safe(' '.join(text.split()))


def in_log(name: str) -> str:
    """A name inside a log line: quoted unless it is a single word, so that it cannot pretend to be the rest of the line."""
    if _WORD.fullmatch(name):
        return name
    return json.dumps(isolated(safe(name)), ensure_ascii=False)


def in_json(document: str) -> str:
    """A JSON document, printed: the same document, with unsafe characters in its strings escaped."""
    # Outside strings, JSON has no such characters but line ends.
    return '\n'.join(replaced(line, _escaped) for line in document.split('\n'))


def in_cell(text: str) -> str:
    """A text for a cell of a spreadsheet, which must not evaluate it.

    A formula begins with one of a few signs, also after blanks and quotes, and where the spreadsheet splits a cell at a
    separator of its own.
    """
    return _FORMULA.sub(r"\1\2'", safe(text))


def _escaped(character: str) -> str:
    units = character.encode('utf-16-be', 'surrogatepass').hex()
    return ''.join(f'\\u{units[place : place + 4]}' for place in range(0, len(units), 4))
