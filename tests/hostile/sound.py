"""What holds of every record, whatever it was made of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, cast

from streamtap._base.names import MAX_LENGTH
from streamtap._records.bounds import MAX_PARTS, MAX_STALL_STARTS
from streamtap._records.distribution import Distribution

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def faults(fact: object) -> list[str]:
    """What is wrong with a record or a start, by field.

    A text is valid UTF-8 of bounded length, a number finite and at least 0, and nothing is longer than its cap.
    """
    found = [f'{name} is {_short(value)}' for name, value in _leaves(fact) if not _is_sound(name, value)]
    if len(getattr(fact, 'parts', ())) > MAX_PARTS:
        found.append('more parts than are kept')
    if len(getattr(fact, 'stall_starts', ())) > MAX_STALL_STARTS:
        found.append('more stalls than are kept')
    return found


def _leaves(fact: object, name: str = '') -> Iterator[tuple[str, object]]:
    if isinstance(fact, Distribution):
        return
    if dataclasses.is_dataclass(fact):
        for field in dataclasses.fields(fact):
            yield from _leaves(getattr(fact, field.name), f'{name}.{field.name}')
    elif isinstance(fact, (tuple, list)):
        for each in cast('tuple[Any, ...]', fact):
            yield from _leaves(each, name)
    elif hasattr(fact, 'items'):
        for key, value in cast('Mapping[str, object]', fact).items():
            yield from _leaves(value, f'{name}[{key}]')
    else:
        yield name, fact


def _is_sound(name: str, value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_LENGTH and _is_utf8(value)
    if isinstance(value, (int, float)):
        # A part's index is the server's, and only shown.
        return name.endswith('.index') or 0 <= value < 1e300
    return value is None


def _is_utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: object) -> str:
    shown = ascii(value[:80] if isinstance(value, str) else value)
    return shown if len(shown) < 80 else f'{shown[:80]}…'
