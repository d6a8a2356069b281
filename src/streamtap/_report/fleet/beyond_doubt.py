"""What the line of a record looks like, to the letter, so that nothing more than a pattern tells that it is sound.

A line that has the pattern is one that `read_line` takes, and whoever reads its JSON in any way reads the same record. One
that does not may be sound all the same, as JSON can be written in many ways: that is for `read_line` to tell.
"""

from __future__ import annotations

import re
import types
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from streamtap._base.names import MAX_LENGTH
from streamtap._records import bounds
from streamtap._records.distribution import BOUNDS, Buckets
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 16 * 1024
"""How long such a line is at most: no array that a pattern does not count has too many elements by then."""

TOO_LONG = rf'[:{{,\[]"[^"]{{{MAX_LENGTH + 1}}}'
"""What a line contains that has a text which is too long, and hardly any other."""

_MOST_ENTRIES = 16
"""How many labels or phases a line without doubt has: RE2 counts no further where there are digits to count."""

_TEXT = r'"[^"\\\x00-\x1f]*"'
_KEY = r'"[A-Za-z0-9_.\-]*"'
_COUNT = r'(?:0|[1-9][0-9]{0,14})'
_NUMBER = rf'{_COUNT}(?:\.[0-9]+)?(?:e-[0-9]{{1,3}})?'
_STAMP = r'(?:0|[1-9][0-9]{0,17}|[1-8][0-9]{18})'
_INDEX = r'(?:0|-?[1-9][0-9]{0,17})'
_PORT = r'(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3})'

_PLAIN: tuple[tuple[object, str], ...] = (
    (bounds.Text, _TEXT),
    (bounds.Count, _COUNT),
    *((each, _NUMBER) for each in (bounds.Seconds, bounds.Dollars, bounds.Rate, bounds.Ratio)),
    (bounds.Stamp, _STAMP),
    (bounds.Index, _INDEX),
    (bounds.Port, _PORT),
    (bounds.Flag, '(?:true|false)'),
    (bounds.Setting, f'-?{_NUMBER}'),
    (bounds.StallStarts, rf'\[(?:{_NUMBER}(?:,{_NUMBER}){{0,{bounds.MAX_STALL_STARTS - 1}}})?\]'),
)


def pattern_of(name: Literal['run', 'response', 'tool']) -> str:
    """The pattern of a whole line of a record, without its end, for RE2 and for `re`."""
    record = {'run': RunRecord, 'response': ResponseRecord, 'tool': ToolRecord}[name]
    return rf'\{{"record":"{name}"{"".join(_fields(record))}\}}'


def _fields(record: type) -> Iterator[str]:
    """The fields of a class in their order, each after a comma; one with a default may be left out."""
    hints = get_type_hints(record, include_extras=True)
    for each in fields(cast('Any', record)):
        found = rf',"{each.name}":{_value(hints[each.name])}'
        has_default = each.default is not MISSING or each.default_factory is not MISSING
        yield f'(?:{found})?' if has_default else found


def _value(hint: object) -> str:
    for plain, pattern in _PLAIN:
        if hint == plain:
            return pattern
    if hint == Buckets:
        return _buckets()
    if is_dataclass(hint):
        return _object(cast('type', hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return f'(?:{"|".join(map(_value, arguments))})'
    if hint is type(None):
        return 'null'
    if origin is Literal:
        return f'(?:{"|".join(re.escape(chr(34) + each + chr(34)) for each in arguments)})'
    return _collection(hint)


def _collection(hint: Any) -> str:  # noqa: ANN401 - an annotation
    of = get_args(hint.__origin__)
    if get_origin(hint.__origin__) is tuple:
        return _array(_value(of[0]))
    entry = rf'{_KEY}:{_value(of[1])}'
    return rf'\{{(?:{entry}(?:,{entry}){{0,{_MOST_ENTRIES - 1}}})?\}}'


def _array(value: str) -> str:
    return rf'\[(?:{value}(?:,{value})*)?\]'


def _object(record: type) -> str:
    """The fields of a class as an object: the first that is told has no comma before it."""
    found = list(_fields(record))
    if all(each.endswith(')?') for each in found):
        # Any of them may be the first, so each is written once before the others, and once after.
        optional = [each.removeprefix('(?:,').removesuffix(')?') for each in found]
        starts = [f'{each}{"".join(found[place + 1 :])}' for place, each in enumerate(optional)]
        return rf'\{{(?:{"|".join(starts)})?\}}'
    return rf'\{{{found[0].removeprefix(",")}{"".join(found[1:])}\}}'


def _buckets() -> str:
    last = len(BOUNDS)
    number = rf'(?:[0-9]|[1-9][0-9]|[1-{last // 100 - 1}][0-9]{{2}})'
    return _array(rf'\[{number},[1-9][0-9]{{0,14}}\]')
