"""Records as JSON objects and back: the lines of a journal, and the fields of a log line."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

Record: TypeAlias = RunRecord | ResponseRecord | ToolRecord
"""What a journal holds."""

RecordName: TypeAlias = Literal['run', 'response', 'tool']

_CLASSES: Mapping[str, type[Record]] = {'run': RunRecord, 'response': ResponseRecord, 'tool': ToolRecord}
_NAMES: Mapping[type[Record], RecordName] = {RunRecord: 'run', ResponseRecord: 'response', ToolRecord: 'tool'}

SHOWN = 40
"""How many characters of a field's name a message shows."""


def record_name(record: Record) -> RecordName:
    """The type of a record: `run`, `response` or `tool`."""
    return _NAMES[type(record)]


def record_fields(record: Record) -> dict[str, Any]:
    """Every field of a record, as values that JSON can represent."""
    return _adapter(type(record)).dump_python(record, mode='json', fallback=dict, warnings='none')


def told_fields(record: Record) -> dict[str, Any]:
    """The fields of a record that say something: without those that have their default, also in objects inside it."""
    return _adapter(type(record)).dump_python(
        record, mode='json', fallback=dict, warnings='none', exclude_defaults=True
    )


def record_of(name: str, fields: Mapping[str, object]) -> Record:
    """The record with these fields; unknown fields are ignored.

    Args:
        name: `run`, `response` or `tool`.
        fields: The fields, as `record_fields` or `told_fields` returns them.

    Raises:
        ValueError: If there is no such type of record, or a field is missing or invalid; the message names the field
            and never shows its value.
    """
    found = _CLASSES.get(name)
    if found is None:
        raise ValueError('unknown type of record')
    try:
        return _adapter(found).validate_python(dict(fields))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise ValueError(f'{".".join(map(_in_short, first["loc"]))}: {first["msg"]}') from None


def encode(value: Mapping[str, object]) -> bytes:
    """A JSON object on one line; anything in a string that is not valid Unicode becomes `?`."""
    return json.dumps(value, ensure_ascii=False, separators=(',', ':')).encode('utf-8', 'replace') + b'\n'


def _in_short(place: str | int) -> str:
    # A label's name is somebody else's.
    name = str(place)
    return name if len(name) <= SHOWN else f'{name[:SHOWN]}…'


@functools.cache
def _adapter(record: type[Record]) -> TypeAdapter[Record]:
    return TypeAdapter(record)
