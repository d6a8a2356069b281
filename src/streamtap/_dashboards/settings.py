"""The settings of an export as a file of TOML, which people edit."""

from __future__ import annotations

import difflib
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeGuard

from pydantic import TypeAdapter, ValidationError

from streamtap._base.files import open_to_read
from streamtap._dashboards.config import CONFIG, Burn, Config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_core import ErrorDetails

FILE = 'streamtap.toml'
"""What it is called in an export."""

_HEAD = (
    'What the boards, rules and alerts here were made of.',
    'Remove the # before what you change, then write them again into another folder:',
    f'streamtap dashboards export NEW --config {FILE}',
)

_WIDTH = 120

_MUST_BE = {
    'string_type': 'must be text',
    'tuple_type': 'must be a list',
    'dict_type': 'must be a table',
    **dict.fromkeys(('int_type', 'int_parsing', 'int_from_float'), 'must be a whole number'),
}
"""What TOML calls what pydantic calls otherwise."""


class SettingsError(ValueError):
    """A file of settings that cannot be taken; the message says what to do."""


def read_settings(path: Path) -> Config:
    """The settings of a file.

    Args:
        path: The file.

    Raises:
        OSError: If it cannot be read.
        SettingsError: If it is no TOML, or names a setting that does not exist, or a value cannot be one.
    """
    with open_to_read(path) as file:
        data = file.read()
    try:
        settings = tomllib.loads(data.decode('utf-8'))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f'{path} is no TOML: {error}') from None
    try:
        return _checked(settings)
    except SettingsError as error:
        raise SettingsError(f'{path}: {error}') from None


def checked(config: Config) -> Config:
    """Settings, if each can be one.

    Args:
        config: The settings.

    Raises:
        SettingsError: If a value cannot be one.
    """
    return _checked({setting.name: getattr(config, setting.name) for setting in fields(config)})


def settings_text(config: Config) -> str:
    """Settings as a file: each with what it is, as a comment where it is at its default.

    Args:
        config: The settings.
    """
    about = _about(Config)
    lines = [*(f'# {line}' for line in _HEAD), '']
    tables: list[str] = []
    for setting in fields(Config):
        value = getattr(config, setting.name)
        off = '# ' if value == getattr(CONFIG, setting.name) else ''
        comment = [f'# {line}' for line in textwrap.wrap(about[setting.name], _WIDTH - 2)]
        written = _written(setting.name, value)
        target = tables if written[0].startswith('[') else lines
        target += [*comment, *(f'{off}{line}' for line in written), '']
    # What follows a table's head belongs to the table.
    return '\n'.join([*lines, *tables])


_SETTINGS = TypeAdapter(Config)


def _checked(settings: dict[str, object]) -> Config:
    try:
        return _SETTINGS.validate_python(settings)
    except ValidationError as error:
        raise SettingsError('; '.join(_said(each) for each in error.errors())) from None


def _said(error: ErrorDetails) -> str:
    *above, name = error['loc'] or ('',)
    where = '.'.join(str(each) for each in error['loc'])
    if error['type'] != 'unexpected_keyword_argument':
        message = error['msg'].removeprefix('Value error, ').replace('Input should be', 'must be')
        message = _MUST_BE.get(error['type'], message)
        return f'{where}: {message}' if where else message
    known = [setting.name for setting in fields(Burn if above else Config)]
    (*near,) = difflib.get_close_matches(str(name), known, n=1)
    return f'there is no setting {where}' + (f': do you mean {near[0]}?' if near else '')


def _about(settings: type) -> dict[str, str]:
    """What the docstring of a class says of each argument."""
    text = inspect.getdoc(settings) or ''
    said = re.findall(r'^    (\w+): (.*(?:\n        .*)*)', text, flags=re.MULTILINE)
    return dict.fromkeys((setting.name for setting in fields(settings)), '') | {
        name: ' '.join(lines.split()) for name, lines in said
    }


def _written(name: str, value: object) -> list[str]:
    burns = [each for each in value if isinstance(each, Burn)] if _is_list(value) else []
    if not burns:
        return [f'{name} = {_value(value)}']
    return [
        line
        for burn in burns
        for line in (f'[[{name}]]', *(f'{each.name} = {_value(getattr(burn, each.name))}' for each in fields(Burn)))
    ]


def _value(value: object) -> str:
    if _is_list(value):
        return f'[{", ".join(map(_value, value))}]'
    if _is_mapping(value):
        pairs = ', '.join(f'{json.dumps(name)} = {_value(each)}' for name, each in value.items())
        return f'{{ {pairs} }}' if pairs else '{}'
    # A text of JSON is one of TOML, and so is a number or a bool.
    return json.dumps(value, ensure_ascii=False)


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_list(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)
