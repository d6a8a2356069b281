"""Mappings, lists, texts and numbers as YAML, so that an installed package needs no library to write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN = re.compile(r'(?:[A-Za-z_/](?:[A-Za-z0-9_./:-]*[A-Za-z0-9_./-])?|[0-9]+[smhd])\Z')
_WORDS = frozenset({'true', 'false', 'yes', 'no', 'on', 'off', 'null', 'y', 'n'})
"""What a reader of YAML 1.1 takes for something else than a text."""


def yaml_text(value: object) -> str:
    """A value as a document of YAML.

    Args:
        value: Mappings with texts as keys, lists, texts, numbers and bools.

    Raises:
        TypeError: If there is anything else in it.
    """
    return '\n'.join(_lines(value)) + '\n'


def _lines(value: object) -> Iterator[str]:
    if _is_mapping(value) and value:
        for key, each in value.items():
            yield from _entry(f'{_scalar(key)}:', each)
    elif _is_list(value) and value:
        for each in value:
            yield from _item(each)
    else:
        yield _scalar(value)


def _entry(begin: str, value: object) -> Iterator[str]:
    if isinstance(value, str) and '\n' in value and _is_block(value):
        yield f'{begin} |' if value.endswith('\n') else f'{begin} |-'
        yield from (f'  {line}' if line else '' for line in value.removesuffix('\n').split('\n'))
    elif _is_mapping(value) or _is_list(value):
        if not value:
            yield f'{begin} {_scalar(value)}'
            return
        yield begin
        indent = '' if _is_list(value) else '  '
        yield from (f'{indent}{line}' if line else line for line in _lines(value))
    else:
        yield f'{begin} {_scalar(value)}'


def _item(value: object) -> Iterator[str]:
    if isinstance(value, str) and '\n' in value:
        yield from _entry('-', value)
        return
    begin = '- '
    for line in _lines(value):
        yield f'{begin}{line}' if line else line
        begin = '  '


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bool, int)):
        return json.dumps(value)
    if isinstance(value, float):
        # Without a point 1e-05 is a text.
        return re.sub(r'^(-?[0-9]+)e', r'\1.0e', json.dumps(value))
    if _is_mapping(value) and not value:
        return '{}'
    if _is_list(value) and not value:
        return '[]'
    raise TypeError(f'{type(value).__name__} is nothing that is written as YAML here')


def _text(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    if text.isprintable():
        return f"'{text.replace(chr(39), chr(39) * 2)}'"
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f'\\{character}'
    return character if character.isprintable() else f'\\U{ord(character):08X}'


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_block(text: str) -> bool:
    """Whether the lines of a text can stand as they are: none begins with a blank, and no end is lost."""
    lines = text.removesuffix('\n').split('\n')
    return lines[0][:1] not in ('', ' ') and lines[-1] != '' and all(line.isprintable() for line in lines)
