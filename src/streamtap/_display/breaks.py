"""Where a long name is broken if it must be: at its joints."""

from __future__ import annotations

import re

LONGEST_PART = 16
"""How many characters of a name without a joint stay together."""

_JOINTS = re.compile(
    r'(?<=[^\s_\-:/=][_\-:/=])(?=[^\s_\-:/=])(?!(?<=\b\d\d[\-:])\d\d\b)'
    r'|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])',
    re.ASCII,
)
"""The last of the first line: a day and a time, such as `11-30 19:33:29`, stay together."""

_ISOLATE = '\N{FIRST STRONG ISOLATE}'


def parts_of(text: str) -> list[str]:
    """The parts of a text that stay together: it may be broken between them, after `_`, `-`, `:`, `/`, `=` or before a capital.

    A part without a joint that is longer than 16 characters is broken, too.
    """
    if _ISOLATE in text:  # Half of what isolates a name would isolate all that follows.
        return [text]
    return [piece for part in _JOINTS.split(text) for piece in _shorter(part)]


def counts_of(text: str) -> list[str]:
    """The counts of a cell such as `14 errors, 3 timeouts`, each of which stays on one line."""
    *others, last = text.split(', ')
    return [*(f'{each},' for each in others), last]


def _shorter(part: str) -> list[str]:
    found: list[str] = []
    room = 0
    start = 0
    for place, character in enumerate(part):
        room = 0 if character.isspace() else room + 1
        if room > LONGEST_PART:
            found.append(part[start:place])
            start, room = place, 1
    return [*found, part[start:]]
