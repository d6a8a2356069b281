"""The units of quantities: how their values are shown, and how a budget writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamtap._display.text import dollars, percentage, rate, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST = 1e15
"""The greatest value that a record can have, and a budget can allow."""

_NUMBER = re.compile(r'(\D*?)\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*(.*)', re.ASCII)


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """What the values of a quantity are.

    Args:
        name: In words, as in "a time".
        example: How a budget writes a value.
        written: What a budget may write around a number, before and after it, and the factor that it stands for.
        show: Formats a value.
    """

    name: str
    example: str
    written: Mapping[tuple[str, str], float]
    show: Callable[[object], str]

    def value(self, text: str) -> float | None:
        """The value of such a text; `None` if it is none of this unit."""
        if (found := _NUMBER.fullmatch(text)) is None:
            return None
        before, number, after = found.groups()
        factor = self.written.get((before, after))
        return None if factor is None or (value := float(number) * factor) > MOST else value


def count(value: object) -> str:
    """A whole number; `-` where none was observed."""
    return f'{value:,.0f}' if isinstance(value, (int, float)) else '-'


TIME = Unit('a time', '3s or 300ms', {('', 's'): 1.0, ('', 'ms'): 0.001}, seconds)
COST = Unit('a cost', '$0.05', {('$', ''): 1.0}, dollars)
SHARE = Unit('a share', '1%', {('', '%'): 0.01}, percentage)
PART = Unit('a part of a whole', '80%', {('', '%'): 0.01}, percentage)
SPEED = Unit('a speed', '30 tokens/s', {('', 'tokens/s'): 1.0}, rate)
TOKENS = Unit('a number of tokens', '20000 tokens', {('', 'tokens'): 1.0}, count)
COUNT = Unit('a count', '5', {('', ''): 1.0}, count)
