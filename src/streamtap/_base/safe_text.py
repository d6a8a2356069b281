"""Which characters of a text are unsafe to put out: the one definition, for records and for every exit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_MARKS = 4
"""How many combining marks a character may have: more are no script's, and are drawn over the lines around."""

_BLANK = frozenset(
    '\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159'
    + ''.join(map(chr, (*range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0))))
)
"""Characters that count as printable, and are drawn as nothing: names that differ in them only look the same.

U+FE0F, which makes an emoji of a sign, is not among them.
"""


def replaced(text: str, by: Callable[[str], str]) -> str:
    """The text, with something else for each character that is unsafe.

    Unsafe is what can control a terminal, break a line, or make one text look like another: control characters (also
    those from U+0080 on), line ends of every kind, what reorders text or is invisible, blanks other than a space,
    surrogates, characters that Unicode has not assigned, combining marks past the fourth on one character, and those
    with no character before them.

    Args:
        text: The text.
        by: Returns what stands for an unsafe character.
    """
    if text.isascii() and text.isprintable():
        return text
    found: list[str] = []
    # One at the beginning would be put on whatever stands before the text.
    marks = MOST_MARKS
    for each in text:
        marks = marks + 1 if category(each) in ('Mn', 'Me') else 0
        is_safe = each.isprintable() and each not in _BLANK and marks <= MOST_MARKS
        found.append(each if is_safe else by(each))
    return ''.join(found)


def safe(text: str) -> str:
    """The text, with a replacement character for each that is unsafe."""
    return replaced(text, _mark)


def _mark(_: str) -> str:
    return '\N{REPLACEMENT CHARACTER}'
