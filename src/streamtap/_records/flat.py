"""Records as attributes with plain values, and back: as telemetry and tables hold them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, cast

from pydantic_core import from_json

from streamtap._records.as_json import record_of, told_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from streamtap._records.as_json import Record

Plain: TypeAlias = str | bool | int | float
"""A value that is neither an object nor an array."""

_BY_NAME = ('labels', 'phases', 'provider_timing', 'request_settings')
"""The fields that are values by name: a dot in such a name is part of it."""

_AS_JSON = ('buckets', 'parts')
"""The arrays that do not hold plain values."""

_EMPTY = '{}'
"""Stands for an object all of whose fields have their default."""

_MAY_BE_EMPTY = ('inter_chunk_latencies', 'inter_item_latencies', 'mcp')

_ALWAYS_TOLD: Mapping[str, object] = {'duration': None}
"""What has no default, and may be unknown all the same."""


def flat_fields(record: Record, *, without: Collection[str] = ()) -> dict[str, Plain | list[Plain]]:
    """The fields of a record that do not have their default, without those that are not known.

    The fields of an object follow after a dot; an array of anything but plain values is JSON text, as is `{}`, an object
    that has none.

    Args:
        record: The record.
        without: Names of fields to leave out.
    """
    found: dict[str, Plain | list[Plain]] = {}
    waiting = [(name, value) for name, value in reversed(told_fields(record).items()) if name not in without]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            inside = cast('Mapping[str, object]', value)
            waiting += [(f'{name}.{each}', inside[each]) for each in reversed([*inside])]
            if not inside:
                found[name] = _EMPTY
        elif isinstance(value, (list, tuple)):
            values = cast('list[object]', list(value))  # pyright: ignore[reportUnknownArgumentType]
            is_plain = all(isinstance(each, (str, int, float)) for each in values)
            found[name] = cast('list[Plain]', values) if is_plain else json.dumps(values, ensure_ascii=False)
        elif value is not None:
            found[name] = cast('Plain', value)
    return found


def record_of_flat(name: str, flat: Mapping[str, object]) -> Record:
    """The record with these fields, as `flat_fields` returns them; unknown ones and those without a value are ignored.

    Args:
        name: `run`, `response` or `tool`.
        flat: The fields; those of an object after a dot, or as an object.

    Raises:
        ValueError: If there is no such type of record, or a field is missing or invalid; the message names the field
            and never shows its value.
    """
    found = dict(_ALWAYS_TOLD)
    for place, value in flat.items():
        if (known := _known(place, value)) is not None:
            _put(found, place, known)
    return record_of(name, found)


def _put(fields: dict[str, object], place: str, value: object) -> None:
    top, _, rest = place.partition('.')
    if not rest:
        fields[top] = value
        return
    within = fields.setdefault(top, {})
    if not isinstance(within, dict):
        raise ValueError(f'{top}: both a value and an object')
    inside = cast('dict[str, object]', within)
    if top in _BY_NAME:
        inside[rest] = value
    else:
        _put(inside, rest, value)


def _known(place: str, value: object) -> object:
    """What is known of a value: of an object only what has one."""
    if isinstance(value, dict):
        inside = cast('Mapping[str, object]', value)
        return {name: each for name in inside if (each := _known(name, inside[name])) is not None}
    name = place.rpartition('.')[2]
    if value == _EMPTY and name in _MAY_BE_EMPTY:
        return {}
    if isinstance(value, str) and name in _AS_JSON:
        try:
            return from_json(value, allow_inf_nan=False)
        except ValueError:
            raise ValueError(f'{place}: not JSON') from None
    return value
