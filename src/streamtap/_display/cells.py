"""How many cells of a terminal a text takes, and texts that are made to fit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

from streamtap._display.breaks import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

GAP = 2
"""Cells between two columns, or two parts of a line."""


_ISOLATES = str.maketrans('', '', '\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}')


def cells(text: str) -> int:
    """How many cells of a terminal a safe text takes: characters of East Asia two each, marks on others none."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut_in_the_middle(text: str, width: int) -> str:
    """A text of at most so many cells: if it has more, its middle becomes an ellipsis.

    Args:
        text: The text; its ends tell it from others.
        width: Cells, at least one.
    """
    if cells(text) <= width:
        return text
    # Half of what isolates a name would isolate all that follows.
    text = text.translate(_ISOLATES)
    room = width - 1
    tail = ''.join(reversed(_begin(text[::-1], room // 2)))
    # Marks whose character was cut away would be put on the ellipsis.
    tail = tail.lstrip(''.join(each for each in tail if not _cells(each)))
    return f'{"".join(_begin(text, room - room // 2))}…{tail}'


def broken(text: str, width: int) -> list[str]:
    """A text as lines: broken at the joints of its names if it is longer than one, and elsewhere only within a longer part.

    Args:
        text: The text.
        width: Cells of a line, at least one.
    """
    if cells(text) <= width:
        return [text]
    lines = ['']
    # Half of what isolates a name would isolate all that follows.
    for part in parts_of(text.translate(_ISOLATES)):
        if cells(lines[-1]) + cells(part) <= width:
            lines[-1] += part
            continue
        lines.append('')
        for each in part:
            # A mark is drawn on the character before it.
            if lines[-1] and cells(lines[-1]) + _cells(each) > width:
                lines.append('')
            lines[-1] += each
    return [line.strip(' ') for line in lines if line.strip(' ')]


def flowed(parts: Sequence[str], width: int | None, *, gap: int = GAP) -> list[str]:
    """Parts as lines: as many on each as fit, and none of them broken.

    Args:
        parts: In order.
        width: Cells of a line; `None` for a single line.
        gap: Blanks between two parts on a line.
    """
    lines: list[str] = []
    room = 0
    for part in parts:
        size = cells(part)
        if lines and (width is None or gap + size <= room):
            lines[-1] += ' ' * gap + part
            room -= gap + size
        else:
            lines.append(part)
            room = (width or 0) - size
    return lines


def wrapped(sentences: Iterable[str], width: int | None) -> list[str]:
    """Sentences, each on a line of its own, or on several of them if it is longer.

    A word is broken only if it is longer than a line, and at the joints of its names.

    Args:
        sentences: The sentences.
        width: Cells of a line; `None` leaves each on its line.
    """
    if width is None:
        return list(sentences)
    return [line for each in sentences for line in flowed(_words(each, width), width, gap=1)]


def _words(sentence: str, width: int) -> list[str]:
    # A name that is isolated, and has blanks, begins in one word and ends in another.
    return [
        part for word in sentence.split(' ') for part in ([word] if has_isolates(word) else broken(word, width) or [''])
    ]


def has_isolates(word: str) -> bool:
    """Whether a word has what isolates a name, or a half of it, which would isolate all that follows."""
    return word != word.translate(_ISOLATES)


def _begin(text: Iterable[str], room: int) -> list[str]:
    found: list[str] = []
    for each in text:
        room -= _cells(each)
        if room < 0:
            break
        found.append(each)
    return found


def _cells(character: str) -> int:
    if category(character) in ('Mn', 'Me', 'Cf'):  # Of the last, safe text has only what isolates a name.
        return 0
    return 2 if east_asian_width(character) in 'WF' else 1
